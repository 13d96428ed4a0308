// Kafka's own Java client against a broker: checks, a group member, a load. Run from source: java -cp JARS Clients.java ...
//
//   checks BOOTSTRAP
//   member BOOTSTRAP GROUP TOPIC STRATEGY [INSTANCE]
//   load   BOOTSTRAP ID TOPIC RECORDS KEYS RATE

import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.*;

public class Clients {
  static final String SHARED_TOPIC = "written-by-all";
  static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
  static final PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false);
  static String bootstrap;

  public static void main(String[] arguments) throws Exception {
    bootstrap = arguments[1];
    var rest = Arrays.copyOfRange(arguments, 2, arguments.length);
    switch (arguments[0]) {
      case "checks" -> checks();
      case "member" -> member(rest);
      case "load" -> load(rest);
      default -> throw new IllegalArgumentException(arguments[0]);
    }
    out.flush();
  }

  // --- records that verify themselves, as python/check.py describes -------------------------------------------

  record Parsed(long crc, String key, int sequence) {}

  static byte[] value(String key, int sequence, int size) {
    var filler = (key + "/" + sequence + "/").repeat(size / (key.length() + 3) + 1).substring(0, size);
    var rest = key + " " + sequence + " " + filler;
    return String.format("%08x %s", crc(rest.getBytes()), rest).getBytes();
  }

  static long crc(byte[] data) {
    var crc = new CRC32();
    crc.update(data);
    return crc.getValue();
  }

  static Parsed parse(byte[] data) {
    var fields = new String(data, StandardCharsets.UTF_8).split(" ", 4);
    var crc = crc(Arrays.copyOfRange(data, fields[0].length() + 1, data.length));
    check(Long.parseLong(fields[0], 16) == crc, "checksum is wrong of " + fields[1]);
    return new Parsed(crc, fields[1], Integer.parseInt(fields[2]));
  }

  static void check(boolean holds, Object what) {
    if (!holds) throw new AssertionError(what);
  }

  // --- checks -------------------------------------------------------------------------------------------------

  interface Check { void run() throws Exception; }

  static int failed = 0;

  static void run(String name, Check check) {
    var start = System.nanoTime();
    try {
      check.run();
      out.printf("ok %s (%.1f s)%n", name, (System.nanoTime() - start) / 1e9);
    } catch (Throwable error) {
      failed++;
      out.println("FAIL " + name);
      error.printStackTrace(out);
    }
    out.flush();
  }

  static Admin admin;

  static void checks() throws Exception {
    admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    run("admin", Clients::adminTopics);
    for (var codec : CODECS) run("round trip " + codec, () -> roundTrip(codec));
    run("headers and nulls", Clients::headersAndNulls);
    run("idempotent", Clients::idempotent);
    run("refused records", Clients::refusedRecords);
    run("time lookup", Clients::timeLookup);
    run("group resume", Clients::groupResume);
    run("delete records", Clients::deleteRecords);
    run("cluster", Clients::cluster);
    run("written by all", Clients::writtenByAll);
    admin.close();
    out.flush();
    System.exit(failed == 0 ? 0 : 1);
  }

  static void create(String topic, int partitions) throws Exception {
    admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
  }

  static KafkaProducer<byte[], byte[]> producer(Object... more) {
    var config = config("acks", "all", "linger.ms", 5, "delivery.timeout.ms", 600_000, "max.block.ms", 600_000,
        "retry.backoff.max.ms", 200, "reconnect.backoff.max.ms", 200);
    config.putAll(config(more));
    return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static KafkaConsumer<byte[], byte[]> consumer(Object... more) {
    var config = config("enable.auto.commit", false, "auto.offset.reset", "earliest", "fetch.max.wait.ms", 200,
        "reconnect.backoff.max.ms", 200, "retry.backoff.max.ms", 200, "max.poll.records", 2000);
    config.putAll(config(more));
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  static Map<String, Object> config(Object... pairs) {
    var config = new HashMap<String, Object>(Map.of("bootstrap.servers", bootstrap));
    for (int i = 0; i < pairs.length; i += 2) config.put((String) pairs[i], pairs[i + 1]);
    return config;
  }

  static List<ProducerRecord<byte[], byte[]>> keyed(String topic, String prefix, int count) {
    var records = new ArrayList<ProducerRecord<byte[], byte[]>>();
    for (int i = 0; i < count; i++) {
      var key = prefix + "-" + i % 20;
      records.add(new ProducerRecord<>(topic, key.getBytes(), value(key, i / 20, 64)));
    }
    return records;
  }

  static void produce(List<ProducerRecord<byte[], byte[]>> records, Object... config) throws Exception {
    try (var producer = producer(config)) {
      var sent = records.stream().map(producer::send).toList();
      for (var future : sent) check(future.get().hasOffset(), "an acknowledgement without offset");
    }
  }

  static List<ConsumerRecord<byte[], byte[]>> readAll(String topic) {
    try (var reader = consumer()) {
      var places = reader.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
      reader.assign(places);
      reader.seekToBeginning(places);
      var ends = reader.endOffsets(places);
      var records = new ArrayList<ConsumerRecord<byte[], byte[]>>();
      var deadline = System.currentTimeMillis() + 60_000;
      while (places.stream().anyMatch(p -> reader.position(p) < ends.get(p))) {
        check(System.currentTimeMillis() < deadline, "not read to the end: " + records.size());
        reader.poll(Duration.ofMillis(200)).forEach(records::add);
      }
      return records;
    }
  }

  static void verifyOrder(List<ConsumerRecord<byte[], byte[]>> records, int count) {
    check(records.size() == count, records.size() + " records instead of " + count);
    var next = new HashMap<String, Integer>();
    for (var record : records) { // each partition's records come in order
      var parsed = parse(record.value());
      check(parsed.key().equals(new String(record.key())), "a value under another key");
      check(next.merge(parsed.key(), 1, Integer::sum) == parsed.sequence() + 1, parsed);
    }
  }

  static void adminTopics() throws Exception {
    create("java-admin", 2);
    try {
      create("java-admin", 2);
      throw new AssertionError("created twice");
    } catch (java.util.concurrent.ExecutionException error) {
      check(error.getCause() instanceof TopicExistsException, error);
    }
    admin.createPartitions(Map.of("java-admin", NewPartitions.increaseTo(4))).all().get();
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, "java-admin");
    var change = new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.SET);
    admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
    var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
    check(config.get("cleanup.policy").value().equals("compact"), config);
    var description = admin.describeTopics(List.of("java-admin")).allTopicNames().get().get("java-admin");
    check(description.partitions().size() == 4 && !description.topicId().equals(org.apache.kafka.common.Uuid.ZERO_UUID), description);
    check(description.partitions().stream().allMatch(p -> p.leader() != null && p.isr().size() == 1), description);
    admin.deleteTopics(List.of("java-admin")).all().get();
    while (admin.listTopics().names().get().contains("java-admin")) Thread.sleep(50);
  }

  static void roundTrip(String codec) throws Exception {
    var topic = "java-" + codec;
    create(topic, 3);
    produce(keyed(topic, topic, 500), "compression.type", codec);
    verifyOrder(readAll(topic), 500);
  }

  static void headersAndNulls() throws Exception {
    create("java-headers", 1);
    var first = new ProducerRecord<>("java-headers", "k".getBytes(), "v".getBytes());
    first.headers().add("a", "1".getBytes()).add("a", "2".getBytes()).add("none", null);
    produce(List.of(first, new ProducerRecord<>("java-headers", "v".getBytes()), new ProducerRecord<>("java-headers", "k".getBytes(), null)));
    var read = readAll("java-headers");
    check(read.get(0).headers().equals(first.headers()), Arrays.toString(read.get(0).headers().toArray()));
    check(read.get(1).key() == null && read.get(2).value() == null, read);
  }

  static void idempotent() throws Exception {
    create("java-idempotent", 3);
    produce(keyed("java-idempotent", "i", 3000), "enable.idempotence", true, "max.in.flight.requests.per.connection", 5, "linger.ms", 0);
    verifyOrder(readAll("java-idempotent"), 3000);
  }

  /** Of a batch that is refused for one record, that one is told why, and the others that it was not they (KIP-467). */
  static void refusedRecords() throws Exception {
    var compacted = new NewTopic("j-compacted", 1, (short) 1).configs(Map.of("cleanup.policy", "compact"));
    admin.createTopics(List.of(compacted)).all().get();
    var sent = new ArrayList<java.util.concurrent.Future<RecordMetadata>>();
    try (var producer = producer("linger.ms", 2000, "compression.type", "gzip")) {
      for (var key : new String[] {"a", null, "c"}) {
        sent.add(producer.send(new ProducerRecord<>("j-compacted", key == null ? null : key.getBytes(), "value".getBytes())));
      }
      producer.flush();
    }
    for (int at = 0; at < sent.size(); at++) {
      try {
        sent.get(at).get();
        check(false, "record " + at + " was taken");
      } catch (java.util.concurrent.ExecutionException error) {
        var why = error.getCause();
        check(why instanceof KafkaException && why instanceof InvalidRecordException == (at == 1), at + ": " + why);
      }
    }
  }

  static void timeLookup() throws Exception {
    create("java-time", 1);
    long start = 1_700_000_000_000L;
    var records = new ArrayList<ProducerRecord<byte[], byte[]>>();
    for (int i = 0; i < 50; i++) records.add(new ProducerRecord<>("java-time", 0, start + i * 1000, null, "v".getBytes()));
    produce(records);
    var place = new TopicPartition("java-time", 0);
    var expected = Map.of(0L, 0L, start + 10_001, 11L, start + 49_000, 49L);
    for (var entry : expected.entrySet()) {
      var found = admin.listOffsets(Map.of(place, OffsetSpec.forTimestamp(entry.getKey()))).partitionResult(place).get();
      check(found.offset() == entry.getValue(), entry + ": " + found);
    }
    var newest = admin.listOffsets(Map.of(place, OffsetSpec.maxTimestamp())).partitionResult(place).get();
    check(newest.offset() == 49 && newest.timestamp() == start + 49_000, newest);
    check(admin.listOffsets(Map.of(place, OffsetSpec.latest())).partitionResult(place).get().offset() == 50, "latest");
  }

  static void groupResume() throws Exception {
    create("java-group", 3);
    produce(keyed("java-group", "g", 600), "batch.size", 500);
    var seen = new HashSet<String>();
    for (int until : new int[] {200, 450, 600}) {
      try (var member = consumer("group.id", "java-resume", "max.poll.records", 50)) {
        member.subscribe(List.of("java-group"));
        while (seen.size() < until) {
          for (var record : member.poll(Duration.ofMillis(500))) {
            check(seen.add(record.partition() + "/" + record.offset()), "read twice: " + record);
          }
          member.commitSync();
        }
      }
    }
    check(seen.size() == 600, seen.size());
    var description = admin.describeConsumerGroups(List.of("java-resume")).all().get().get("java-resume");
    check(description.members().isEmpty(), description);
    var offsets = admin.listConsumerGroupOffsets("java-resume").partitionsToOffsetAndMetadata().get();
    check(offsets.values().stream().mapToLong(OffsetAndMetadata::offset).sum() == 600, offsets);
    var place = new TopicPartition("java-group", 0);
    admin.alterConsumerGroupOffsets("java-resume", Map.of(place, new OffsetAndMetadata(7, "moved"))).all().get();
    check(admin.listConsumerGroupOffsets("java-resume").partitionsToOffsetAndMetadata().get().get(place).metadata().equals("moved"), "metadata");
    admin.deleteConsumerGroupOffsets("java-resume", Set.of(place)).all().get();
    check(!admin.listConsumerGroupOffsets("java-resume").partitionsToOffsetAndMetadata().get().containsKey(place), "deleted offset");
    admin.deleteConsumerGroups(List.of("java-resume")).all().get();
    check(admin.listGroups().all().get().stream().noneMatch(g -> g.groupId().equals("java-resume")), "deleted group");
  }

  static void deleteRecords() throws Exception {
    create("java-trim", 1);
    produce(keyed("java-trim", "t", 100));
    var place = new TopicPartition("java-trim", 0);
    admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(40))).all().get();
    check(readAll("java-trim").get(0).offset() == 40, "the log start");
  }

  static void cluster() throws Exception {
    var cluster = admin.describeCluster();
    check(cluster.nodes().get().contains(cluster.controller().get()), cluster.nodes().get());
    check(cluster.clusterId().get().length() == 22, cluster.clusterId().get());
  }

  static void writtenByAll() throws Exception {
    if (!admin.listTopics().names().get().contains(SHARED_TOPIC)) create(SHARED_TOPIC, 4);
    int before = readAll(SHARED_TOPIC).size();
    for (var codec : CODECS) produce(keyed(SHARED_TOPIC, "java-" + codec, 40), "compression.type", codec);
    verifyOrder(readAll(SHARED_TOPIC), before + 40 * CODECS.size());
  }

  // --- a group member: the lines that franz/member.go describes -----------------------------------------------

  static final Map<String, Class<?>> ASSIGNORS = Map.of("range", RangeAssignor.class, "roundrobin", RoundRobinAssignor.class,
      "sticky", StickyAssignor.class, "cooperative-sticky", CooperativeStickyAssignor.class);

  static void member(String[] arguments) {
    var stop = new AtomicBoolean();
    var done = new java.util.concurrent.CountDownLatch(1);
    var config = config("group.id", arguments[0], "partition.assignment.strategy", ASSIGNORS.get(arguments[2]).getName(),
        "session.timeout.ms", 6000, "heartbeat.interval.ms", 300);
    if (arguments.length > 3) config.put("group.instance.id", arguments[3]);
    var pairs = config.entrySet().stream().flatMap(e -> java.util.stream.Stream.of(e.getKey(), e.getValue())).toArray();
    var member = consumer(pairs);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      stop.set(true);
      try { done.await(); } catch (InterruptedException ignored) { }
    }));
    try (member) {
      member.subscribe(List.of(arguments[1]), new ConsumerRebalanceListener() {
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) { say("assigned", partitions); }
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
          commit(member);
          say("revoked", partitions);
        }
        public void onPartitionsLost(Collection<TopicPartition> partitions) { say("lost", partitions); }
        void say(String what, Collection<TopicPartition> partitions) {
          out.println(what + " " + partitions.stream().map(TopicPartition::partition).sorted().toList());
          out.flush();
        }
      });
      while (!stop.get()) {
        for (var record : member.poll(Duration.ofMillis(200))) {
          var parsed = parse(record.value());
          out.printf("r %d %d %s %d %08x%n", record.partition(), record.offset(), parsed.key(), parsed.sequence(), parsed.crc());
        }
        commit(member);
      }
    } finally {
      out.flush();
      done.countDown();
    }
  }

  /** Everything that was polled was printed: none is committed before somebody can see it. */
  static void commit(KafkaConsumer<byte[], byte[]> member) {
    out.flush();
    try {
      member.commitSync(Duration.ofSeconds(5));
    } catch (CommitFailedException | RebalanceInProgressException | RetriableException error) {
      System.err.println("commit: " + error);
    }
  }

  // --- a load: the lines that franz/load.go describes ---------------------------------------------------------

  static void load(String[] arguments) {
    var id = arguments[0];
    int records = Integer.parseInt(arguments[2]), keys = Integer.parseInt(arguments[3]), rate = Integer.parseInt(arguments[4]);
    var next = new int[keys];
    var random = new Random();
    var acked = new AtomicLong();
    var sum = new AtomicLong();
    long start = System.nanoTime();
    try (var producer = producer("compression.type", "lz4", "batch.size", 65536)) {
      for (int n = 0; n < records; n++) {
        int key = random.nextInt(keys);
        var name = id + "-" + key;
        var value = value(name, next[key]++, 100);
        var crc = Long.parseLong(new String(value, 0, 8), 16);
        producer.send(new ProducerRecord<>(arguments[1], name.getBytes(), value), (metadata, error) -> {
          if (error != null) {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
          }
          acked.incrementAndGet();
          sum.addAndGet(crc);
        });
        if (rate > 0) LockSupport.parkNanos(start + n * 1_000_000_000L / rate - System.nanoTime());
      }
    }
    out.printf("sum %s %d %d%n", id, acked.get(), sum.get());
  }
}
