// A group member with kafkajs: node member.mjs BOOTSTRAP GROUP TOPIC STRATEGY. It prints the lines that franz/member.go
// describes, until SIGTERM. kafkajs knows no strategy of the others by its name: the names are theirs, the assignment, if
// this member leads, is plain.
import { writeSync } from 'node:fs'
import { AssignerProtocol, connect, parse } from './shared.mjs'

const [bootstrap, group, topic, strategy] = process.argv.slice(2)

// Written at once: nothing is committed before somebody can see it.
const say = (...lines) => writeSync(1, lines.join('\n') + '\n')

const assigner = ({ cluster }) => ({
  name: strategy,
  version: 1,
  async assign({ members }) {
    const ids = members.map((member) => member.memberId).sort()
    const owned = new Map(ids.map((id) => [id, []]))
    cluster.findTopicPartitionMetadata(topic).forEach(({ partitionId }) => owned.get(ids[partitionId % ids.length]).push(partitionId))
    return ids.map((memberId) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 1, assignment: { [topic]: owned.get(memberId) }, userData: Buffer.alloc(0) }),
    }))
  },
  protocol({ topics }) {
    return { name: strategy, metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }) }
  },
})

const consumer = connect(bootstrap).consumer({
  groupId: group, partitionAssigners: [assigner], sessionTimeout: 6000, heartbeatInterval: 300, rebalanceTimeout: 30_000, maxWaitTimeInMs: 200,
})
let owned = []
function assigned(partitions) {
  say(`revoked [${owned}]`, `assigned [${partitions}]`)
  owned = partitions
}
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => assigned(payload.memberAssignment[topic] ?? []))
consumer.on(consumer.events.CRASH, ({ payload }) => console.error('crash:', payload.error))
process.on('SIGTERM', async () => {
  await consumer.disconnect()
  process.exit(0)
})
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  autoCommit: false,
  async eachBatch({ batch, heartbeat }) {
    say(...batch.messages.map((message) => {
      const { key, sequence } = parse(message.value)
      return `r ${batch.partition} ${message.offset} ${key} ${sequence} ${message.value.toString('latin1', 0, 8)}`
    }))
    await consumer.commitOffsets([{ topic, partition: batch.partition, offset: String(Number(batch.lastOffset()) + 1) }])
    await heartbeat()
  },
})
