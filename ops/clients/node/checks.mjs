// kafkajs against a broker: checks.mjs BOOTSTRAP.
import assert from 'node:assert/strict'
import { codecs, connect, ConfigResourceTypes, eventually, parse, sharedTopic, value } from './shared.mjs'

const kafka = connect(process.argv[2])
const admin = kafka.admin()
await admin.connect()

const create = (topic, numPartitions = 3) =>
  admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1 }], waitForLeaders: true })

async function produce(topic, messages, options = {}, config = {}) {
  const producer = kafka.producer(config)
  await producer.connect()
  const answers = await producer.send({ topic, messages, ...options })
  await producer.disconnect()
  return answers
}

let readers = 0
// Reads until `count` records came, in the order they come.
async function read(topic, count, groupId = `kafkajs-reader-${readers++}`) {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const seen = []
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      if (seen.length < count) seen.push({ partition, ...message, offset: Number(message.offset) })
    },
  })
  await eventually(`${count} records of ${topic}`, () => seen.length >= count)
  await consumer.disconnect()
  return seen
}

const keyed = (prefix, count = 300, size = 64) =>
  Array.from({ length: count }, (_, i) => ({ key: `${prefix}-${i % 20}`, value: value(`${prefix}-${i % 20}`, Math.floor(i / 20), size) }))

function verifyOrder(messages) {
  const next = new Map()
  for (const message of [...messages].sort((a, b) => a.partition - b.partition || a.offset - b.offset)) {
    const { key, sequence } = parse(message.value)
    assert.equal(key, message.key.toString())
    assert.equal(sequence, next.get(key) ?? 0, key)
    next.set(key, sequence + 1)
  }
}

const checks = {
  async admin() {
    await create('kafkajs-admin', 2)
    assert.equal(await create('kafkajs-admin', 2), false, 'created twice')
    assert((await admin.listTopics()).includes('kafkajs-admin'))
    await admin.createPartitions({ topicPartitions: [{ topic: 'kafkajs-admin', count: 4 }] })
    await eventually('four partitions', async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['kafkajs-admin'] })
      return topics[0].partitions.length === 4
    })
    const resource = { type: ConfigResourceTypes.TOPIC, name: 'kafkajs-admin' }
    const described = await admin.describeConfigs({ resources: [resource], includeSynonyms: false })
    const entries = Object.fromEntries(described.resources[0].configEntries.map((e) => [e.configName, e.configValue]))
    assert.equal(entries['cleanup.policy'], 'delete')
    await admin.deleteTopics({ topics: ['kafkajs-admin'] })
    await eventually('it is gone', async () => !(await admin.listTopics()).includes('kafkajs-admin'))
    const { brokers, controller } = await admin.describeCluster()
    assert(brokers.length >= 1 && brokers.some((b) => b.nodeId === controller))
  },
  ...Object.fromEntries(Object.entries(codecs).map(([name, compression]) => [`round trip ${name}`, async () => {
    const topic = `kafkajs-${name}`
    await create(topic)
    await produce(topic, keyed(topic), { compression })
    verifyOrder(await read(topic, 300))
  }])),
  async 'headers and nulls'() {
    await create('kafkajs-headers', 1)
    const headers = { one: '1', many: ['2', '3'], empty: '' }
    await produce('kafkajs-headers', [{ key: 'k', value: 'v', headers }, { key: null, value: 'v' }, { key: 'k', value: null }])
    const [first, noKey, tombstone] = await read('kafkajs-headers', 3)
    assert.equal(first.headers.one.toString(), '1')
    assert.deepEqual(first.headers.many.map(String), ['2', '3'])
    assert.equal(first.headers.empty.length, 0)
    assert.equal(noKey.key, null)
    assert.equal(tombstone.value, null)
  },
  async idempotent() {
    await create('kafkajs-idempotent')
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const messages = keyed('i', 600)
    for (let at = 0; at < messages.length; at += 50) {
      await producer.send({ topic: 'kafkajs-idempotent', messages: messages.slice(at, at + 50), acks: -1 })
    }
    await producer.disconnect()
    verifyOrder(await read('kafkajs-idempotent', 600))
  },
  async 'time lookup'() {
    await create('kafkajs-time', 1)
    const start = 1_700_000_000_000
    await produce('kafkajs-time', Array.from({ length: 50 }, (_, i) => ({ value: 'v', timestamp: String(start + i * 1000) })))
    for (const [at, expected] of [[0, '0'], [start + 10_001, '11'], [start + 49_000, '49']]) {
      const [found] = await admin.fetchTopicOffsetsByTimestamp('kafkajs-time', at)
      assert.equal(found.offset, expected, `at ${at}`)
    }
    const [offsets] = await admin.fetchTopicOffsets('kafkajs-time')
    assert.deepEqual([offsets.low, offsets.high], ['0', '50'])
  },
  async 'group resume'() {
    await create('kafkajs-group')
    await produce('kafkajs-group', keyed('g', 200))
    const first = await read('kafkajs-group', 200, 'kafkajs-resume')
    await produce('kafkajs-group', keyed('h', 200))
    const second = await read('kafkajs-group', 200, 'kafkajs-resume')
    const places = new Set([...first, ...second].map((m) => `${m.partition}/${m.offset}`))
    assert.equal(places.size, 400, 'nothing read twice, nothing skipped')
    assert((await admin.listGroups()).groups.some((g) => g.groupId === 'kafkajs-resume'))
    const described = await admin.describeGroups(['kafkajs-resume'])
    assert.equal(described.groups[0].state, 'Empty')
    await admin.deleteGroups(['kafkajs-resume'])
    assert(!(await admin.listGroups()).groups.some((g) => g.groupId === 'kafkajs-resume'))
  },
  async 'delete records'() {
    await create('kafkajs-trim', 1)
    await produce('kafkajs-trim', keyed('t', 100))
    // kafkajs asks for the leader in metadata that it has not loaded by itself.
    await admin.fetchTopicMetadata({ topics: ['kafkajs-trim'] })
    await admin.deleteTopicRecords({ topic: 'kafkajs-trim', partitions: [{ partition: 0, offset: '40' }] })
    assert.deepEqual((await read('kafkajs-trim', 60)).map((m) => m.offset), Array.from({ length: 60 }, (_, i) => i + 40))
  },
  async 'written by all'() {
    if (!(await admin.listTopics()).includes(sharedTopic)) await create(sharedTopic, 4)
    const before = (await admin.fetchTopicOffsets(sharedTopic)).reduce((sum, p) => sum + Number(p.high), 0)
    for (const [name, compression] of Object.entries(codecs)) await produce(sharedTopic, keyed(`kafkajs-${name}`, 40), { compression })
    verifyOrder(await read(sharedTopic, before + 200))
  },
}

let failed = 0
for (const [name, check] of Object.entries(checks)) {
  const start = Date.now()
  try {
    await check()
    console.log(`ok ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`)
  } catch (error) {
    failed++
    console.log(`FAIL ${name}\n${error.stack}`)
  }
}
await admin.disconnect()
process.exit(failed ? 1 : 0)
