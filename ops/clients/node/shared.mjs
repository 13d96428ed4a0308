// What the Node.js scripts share: kafkajs with all codecs, and records that verify themselves (see python/check.py).
import { createRequire } from 'node:module'

// The packages lie where they were installed, not beside this file.
const require = createRequire(`${process.env.NODE_PACKAGES ?? process.cwd()}/package.json`)
const { Kafka, CompressionTypes, CompressionCodecs, AssignerProtocol, ConfigResourceTypes, logLevel } = require('kafkajs')
const snappy = require('snappyjs')
const lz4 = require('lz4-napi')
const { ZstdCodec } = require('zstd-codec')

export { CompressionTypes, ConfigResourceTypes, AssignerProtocol, logLevel }

// Java's clients wrap snappy in blocks under this header; a reader must take both forms.
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
function unsnappy(data) {
  if (!data.subarray(0, 8).equals(XERIAL)) return Buffer.from(snappy.uncompress(data))
  const blocks = []
  for (let at = 16; at < data.length; at += 4 + data.readUInt32BE(at)) {
    blocks.push(Buffer.from(snappy.uncompress(data.subarray(at + 4, at + 4 + data.readUInt32BE(at)))))
  }
  return Buffer.concat(blocks)
}
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: async (encoder) => Buffer.from(snappy.compress(encoder.buffer)),
  decompress: async (data) => unsnappy(data),
})
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder) => lz4.compressFrame(encoder.buffer),
  decompress: async (data) => lz4.decompressFrame(data),
})
const zstd = await new Promise((resolve) => ZstdCodec.run(resolve))
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => Buffer.from(new zstd.Simple().compress(encoder.buffer)),
  decompress: async (data) => Buffer.from(new zstd.Streaming().decompress(data)),
})

export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }
export const sharedTopic = 'written-by-all'

export function connect(bootstrap, level = logLevel.NOTHING) {
  process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
  return new Kafka({ clientId: 'kafkajs', brokers: [bootstrap], logLevel: level, retry: { retries: 12 } })
}

const table = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
  return n >>> 0
})
function crc32(data) {
  let crc = 0xffffffff
  for (const byte of data) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

export function value(key, sequence, size = 64) {
  const filler = `${key}/${sequence}/`.repeat(size / (key.length + 3) + 1).slice(0, size)
  const rest = `${key} ${sequence} ${filler}`
  return `${crc32(Buffer.from(rest)).toString(16).padStart(8, '0')} ${rest}`
}

export function parse(data) {
  const space = data.indexOf(' ')
  const rest = data.subarray(space + 1)
  if (parseInt(data.subarray(0, space).toString(), 16) !== crc32(rest)) throw new Error(`bad checksum: ${data.subarray(0, 60)}`)
  const [key, sequence] = rest.toString('utf8', 0, 200).split(' ')
  return { key, sequence: Number(sequence) }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export async function eventually(what, probe, seconds = 30) {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const found = await probe()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`)
    await sleep(50)
  }
}
