//! The controller answers as a Kafka 4.3.1 was measured to answer, code and words, and leaves no record where it refuses.

use corelog_storage::ids::TopicId;
use corelog_wire::error_code::{
    ErrorCode,
    ErrorCode::{
        InvalidConfig, InvalidPartitions, InvalidReplicaAssignment, InvalidReplicationFactor, InvalidRequest,
        InvalidTopicException, PolicyViolation, ThrottlingQuotaExceeded, TopicAlreadyExists, TopicDeletionDisabled,
        UnknownServerError, UnknownTopicId, UnknownTopicOrPartition,
    },
};

use super::{
    machine::{ControllerMachine, Decision},
    start::tests::{NOW, new_topic, numbers, started},
};
use crate::{
    core::env::CoreId,
    metadata::{
        call::{
            AssignedBroker, Assignment, ConfigChange, ConfigEdit, ConfigOperation, ConfigStep, ConfigTarget,
            CreatedTopic, MetadataAnswer, MetadataCall, MorePartitions, NewTopic, Payer, QuotaChange, Refusal,
            TopicSelector,
        },
        ids::NodeId,
        quota::QuotaValue,
    },
};

fn create(machine: &mut ControllerMachine, topics: Vec<NewTopic>) -> Vec<Result<CreatedTopic, Refusal>> {
    let call = MetadataCall::CreateTopics { topics, validate_only: false };
    let MetadataAnswer::TopicsCreated(answer) = machine.decide(call, NOW, &mut numbers(5)).answer else { panic!() };
    answer
}

/// What refuses the one topic of a call; nothing is left of it.
fn create_error(machine: &mut ControllerMachine, topic: NewTopic) -> (ErrorCode, String) {
    let before = machine.image().clone();
    let call = MetadataCall::CreateTopics { topics: vec![topic], validate_only: false };
    let Decision { records, answer } = machine.decide(call, NOW, &mut numbers(5));
    assert!(records.is_empty());
    assert_eq!(*machine.image(), before);
    let MetadataAnswer::TopicsCreated(mut answer) = answer else { panic!() };
    words(answer.remove(0).expect_err("refused"))
}

fn words(refusal: Refusal) -> (ErrorCode, String) {
    (refusal.code, refusal.message.unwrap_or_default())
}

fn with_config(name: &str, configs: &[(&str, Option<&str>)]) -> NewTopic {
    let configs = configs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect();
    NewTopic { configs, ..new_topic(name, 1) }
}

fn by_hand(name: &str, assignments: &[(i32, &[i32])]) -> NewTopic {
    let broker = |shown: &i32| AssignedBroker { shown: *shown, node: (*shown == 0).then_some(NodeId(0)), core: None };
    let assignment = |(partition, brokers): &(i32, &[i32])| Assignment {
        partition: *partition,
        brokers: brokers.iter().map(broker).collect(),
    };
    NewTopic { assignments: assignments.iter().map(assignment).collect(), ..new_topic(name, -1) }
}

fn alter(machine: &mut ControllerMachine, name: &str, steps: &[(&str, i8, Option<&str>)]) -> Result<(), Refusal> {
    let step = |(key, operation, value): &(&str, i8, Option<&str>)| ConfigStep {
        key: (*key).to_owned(),
        operation: ConfigOperation::from_wire(*operation),
        value: value.map(str::to_owned),
    };
    change(machine, ConfigTarget::Topic(name.to_owned()), ConfigEdit::Steps(steps.iter().map(step).collect()))
}

fn change(machine: &mut ControllerMachine, target: ConfigTarget, edit: ConfigEdit) -> Result<(), Refusal> {
    let changes = vec![ConfigChange { target, edit }];
    let call = MetadataCall::AlterConfigs { changes, validate_only: false };
    let MetadataAnswer::ConfigsAltered(mut answer) = machine.decide(call, NOW, &mut numbers(5)).answer else {
        panic!()
    };
    answer.remove(0)
}

fn alter_error(machine: &mut ControllerMachine, steps: &[(&str, i8, Option<&str>)]) -> (ErrorCode, String) {
    let before = machine.image().clone();
    let refusal = alter(machine, "t", steps).expect_err("refused");
    assert_eq!(*machine.image(), before, "nothing is applied");
    words(refusal)
}

fn own_config(machine: &ControllerMachine, key: &str) -> Option<String> {
    machine.image().topic("t").expect("exists").configs.get(key).cloned()
}

#[test]
fn a_topic_is_created_as_asked_and_spread_over_the_cores() {
    let (mut machine, _) = started(2);
    let topic = with_config("t", &[("retention.ms", Some(" 05 ")), ("retention.ms", Some("7"))]);
    let created = create(&mut machine, vec![NewTopic { partitions: 4, ..topic }]).remove(0).expect("created");
    assert_eq!((created.partitions, created.replication_factor), (4, 1));
    assert_eq!(own_config(&machine, "retention.ms").as_deref(), Some("7"), "the last of two values counts");
    let topic = machine.image().topic("t").expect("exists");
    assert_eq!(topic.id, created.id);
    let cores: Vec<_> = topic.partitions.iter().map(|state| state.leader_core()).collect();
    assert_eq!(cores.iter().filter(|core| **core == Some((NodeId(0), CoreId(1)))).count(), 2);
    assert_eq!(create(&mut machine, vec![new_topic("u", -1)])[0].as_ref().expect("created").partitions, 1);
}

#[test]
fn what_a_topic_cannot_be_is_refused_in_kafkas_words() {
    let (mut machine, _) = started(1);
    create(&mut machine, vec![new_topic("t", 1)]);
    let mut refused = |topic: NewTopic| create_error(&mut machine, topic);
    assert_eq!(refused(new_topic("t", 1)), (TopicAlreadyExists, "Topic 't' already exists.".into()));
    assert_eq!(refused(new_topic("a b", 1)).0, InvalidTopicException);
    let what = "Number of partitions was set to an invalid non-positive value.";
    assert_eq!(refused(new_topic("u", 0)), (InvalidPartitions, what.into()));
    assert_eq!(refused(new_topic("u", -2)), (InvalidPartitions, what.into()));
    let what = "Replication factor must be larger than 0, or -1 to use the default value.";
    assert_eq!(
        refused(NewTopic { replication_factor: 0, ..new_topic("u", 1) }),
        (InvalidReplicationFactor, what.into())
    );
    let (code, what) = refused(NewTopic { replication_factor: 5, ..new_topic("u", 1) });
    assert_eq!(code, InvalidReplicationFactor);
    assert!(what.starts_with("Unable to replicate the partition 5 time(s): The target replication factor of 5"));
    assert!(what.contains("because only 1 broker(s) are registered"));
    assert_eq!(refused(new_topic("u", 10_001)).0, PolicyViolation);
    let (code, what) = refused(new_topic("u", 10_000));
    assert_eq!((code, what.as_str()), (PolicyViolation, "Unable to perform excessively large batch operation."));
}

#[test]
fn a_new_topics_configuration_is_checked() {
    let (mut machine, _) = started(1);
    let mut refused = |configs: &[(&str, Option<&str>)]| create_error(&mut machine, with_config("u", configs));
    let unknown = (InvalidConfig, "Unknown topic config name: Retention.ms".to_owned());
    assert_eq!(refused(&[("retention.ms", Some("x")), ("Retention.ms", Some("1"))]), unknown);
    let what = "Invalid value x for configuration retention.ms: Not a number of type LONG";
    assert_eq!(refused(&[("retention.ms", Some("x"))]), (InvalidConfig, what.into()));
    let what = "Null value not supported for topic configs: retention.ms";
    assert_eq!(refused(&[("retention.ms", None)]), (InvalidConfig, what.into()));
    let lags = [("min.compaction.lag.ms", Some("5")), ("max.compaction.lag.ms", Some("4"))];
    let what = "conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)";
    assert_eq!(refused(&lags), (InvalidConfig, what.into()));
    assert!(refused(&[("remote.storage.enable", Some("true"))]).1.starts_with("Tiered Storage functionality"));
}

#[test]
fn assignments_by_hand_are_checked_and_kept() {
    let (mut machine, _) = started(2);
    let mut refused = |topic: NewTopic| create_error(&mut machine, topic);
    let assignment =
        |what: &str| (InvalidReplicaAssignment, format!("The manual partition assignment includes {what}"));
    assert_eq!(refused(by_hand("u", &[(0, &[99])])), assignment("broker 99, but no such broker is registered."));
    assert_eq!(refused(by_hand("u", &[(0, &[0, 0])])), assignment("the broker 0 more than once."));
    assert_eq!(refused(by_hand("u", &[(0, &[])])), assignment("an empty replica list."));
    let gap = (InvalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence".to_owned());
    assert_eq!(refused(by_hand("u", &[(0, &[0]), (2, &[0])])), gap);
    assert_eq!(refused(by_hand("u", &[(0, &[0]), (0, &[0])])).0, InvalidReplicaAssignment);
    let what = "A manual partition assignment was specified, but numPartitions was not set to -1.";
    assert_eq!(refused(NewTopic { partitions: 1, ..by_hand("u", &[(0, &[0])]) }), (InvalidRequest, what.into()));
    let (code, what) = refused(NewTopic { replication_factor: 1, ..by_hand("u", &[(0, &[0])]) });
    assert_eq!(code, InvalidRequest);
    assert!(what.contains("replication factor was not set to -1"));

    let mut topic = by_hand("u", &[(1, &[0]), (0, &[0])]);
    topic.assignments[0].brokers[0].core = Some(CoreId(1));
    topic.assignments[1].brokers[0].core = Some(CoreId(1));
    create(&mut machine, vec![topic])[0].as_ref().expect("created");
    let cores: Vec<_> =
        machine.image().topic("u").expect("exists").partitions.iter().map(|p| p.core_on(NodeId(0))).collect();
    assert_eq!(cores, [Some(CoreId(1)), Some(CoreId(1))], "a core listener's brokers are cores");
}

#[test]
fn good_topics_of_a_call_are_created_beside_bad_ones_and_validation_creates_none() {
    let (mut machine, _) = started(1);
    let answer = create(&mut machine, vec![new_topic("good", 1), new_topic("", 1), new_topic("good", 1)]);
    assert!(answer[0].is_ok() && answer[1].is_err());
    assert_eq!(answer[2].as_ref().expect_err("refused").code, TopicAlreadyExists);
    let call = MetadataCall::CreateTopics { topics: vec![new_topic("v", 3)], validate_only: true };
    let decision = machine.decide(call, NOW, &mut numbers(5));
    assert!(decision.records.is_empty() && machine.image().topic("v").is_none());
    let MetadataAnswer::TopicsCreated(answer) = decision.answer else { panic!() };
    assert_eq!(answer[0].as_ref().expect("valid").partitions, 3);
}

#[test]
fn topics_are_deleted_by_name_and_by_id() {
    let (mut machine, _) = started(1);
    let id = create(&mut machine, vec![new_topic("a", 1), new_topic("b", 1)]).remove(1).expect("created").id;
    let topics = vec![
        TopicSelector::Name("a".into()),
        TopicSelector::Id(id),
        TopicSelector::Name("a".into()),
        TopicSelector::Id(TopicId([9; 16])),
    ];
    let decision = machine.decide(MetadataCall::DeleteTopics { topics }, NOW, &mut numbers(5));
    assert_eq!(decision.records.len(), 2);
    let MetadataAnswer::TopicsDeleted(answer) = decision.answer else { panic!() };
    let codes: Vec<_> = answer.iter().map(|one| one.as_ref().map(|_| ()).map_err(|refusal| refusal.code)).collect();
    assert_eq!(codes, [Ok(()), Ok(()), Err(UnknownTopicOrPartition), Err(UnknownTopicId)]);
    assert_eq!(machine.image().topic_count(), 0);
    let config = std::sync::Arc::new(machine.config.with("delete.topic.enable", "false").expect("valid"));
    create(&mut machine, vec![new_topic("a", 1)]);
    let mut forbidding = ControllerMachine::new(config, machine.image().clone());
    let topics = vec![TopicSelector::Name("a".into())];
    let answer = forbidding.decide(MetadataCall::DeleteTopics { topics }, NOW, &mut numbers(5)).answer;
    let MetadataAnswer::TopicsDeleted(answer) = answer else { panic!() };
    assert_eq!(answer[0].as_ref().expect_err("refused").code, TopicDeletionDisabled);
}

/// A machine in which client `c` may create and delete 11 partitions, and one more each second.
fn with_quota() -> ControllerMachine {
    let (mut machine, _) = started(1);
    let entity = [("client-id".to_owned(), Some("c".to_owned()))].into();
    let steps = vec![("controller_mutation_rate".to_owned(), Some(QuotaValue::new(1.0)))];
    let changes = vec![QuotaChange { entity, steps }];
    machine.decide(MetadataCall::AlterQuotas { changes, validate_only: false }, NOW, &mut numbers(5));
    machine
}

/// What a client's call leads to, and the seconds that it is held up for.
fn paid(machine: &mut ControllerMachine, client_id: &str, strict: bool, call: MetadataCall) -> (MetadataAnswer, u64) {
    let payer = Payer { user: "u".into(), client_id: client_id.to_owned(), strict };
    let paid = MetadataCall::Paid { payer, call: Box::new(call) };
    let MetadataAnswer::Paid { until, answer } = machine.decide(paid, NOW, &mut numbers(5)).answer else { panic!() };
    (*answer, until.map_or(0, |until| until.since(NOW).as_secs()))
}

#[test]
fn what_is_beyond_a_clients_quota_is_refused_and_leaves_nothing() {
    let mut machine = with_quota();
    let too_many = ThrottlingQuotaExceeded;
    let topics = vec![new_topic("bad name", 1), new_topic("a", 10), new_topic("b", 3), new_topic("c", 1)];
    let create = |topics| MetadataCall::CreateTopics { topics, validate_only: false };
    let (answer, held_up) = paid(&mut machine, "c", true, create(topics));
    let MetadataAnswer::TopicsCreated(answer) = answer else { panic!() };
    let codes: Vec<_> = answer.iter().map(|one| one.as_ref().err().map(|refusal| refusal.code)).collect();
    assert_eq!(codes, [Some(InvalidTopicException), None, None, Some(too_many)]);
    assert_eq!(held_up, 2);
    assert!(machine.image().topic("c").is_none());

    let topics = vec![MorePartitions { name: "a".into(), count: 11, assignments: None }];
    let (answer, _) = paid(&mut machine, "c", true, MetadataCall::CreatePartitions { topics, validate_only: false });
    assert_eq!(answer, MetadataAnswer::PartitionsCreated(vec![Err(Refusal::bare(too_many))]));
    assert_eq!(machine.image().topic("a").expect("exists").partitions.len(), 10);

    let topics = vec![TopicSelector::Name("none".into()), TopicSelector::Name("a".into())];
    let delete = MetadataCall::DeleteTopics { topics };
    let MetadataAnswer::TopicsDeleted(answer) = paid(&mut machine, "c", true, delete.clone()).0 else { panic!() };
    let codes: Vec<_> = answer.iter().map(|one| one.as_ref().expect_err("refused").code).collect();
    assert_eq!(codes, [UnknownTopicOrPartition, too_many]);

    let (answer, held_up) = paid(&mut machine, "c", false, delete.clone());
    let MetadataAnswer::TopicsDeleted(answer) = answer else { panic!() };
    assert!(answer[1].is_ok() && held_up == 12, "an older client waits instead");
    let (answer, held_up) = paid(&mut machine, "another", true, create(vec![new_topic("a", 100)]));
    assert!(matches!(answer, MetadataAnswer::TopicsCreated(all) if all[0].is_ok()) && held_up == 0);
}

#[test]
fn partitions_are_added_and_what_is_no_increase_is_refused() {
    let (mut machine, _) = started(2);
    create(&mut machine, vec![new_topic("t", 2)]);
    let mut add = |name: &str, count: i32, assignments: Option<Vec<Assignment>>| {
        let topics = vec![MorePartitions { name: name.into(), count, assignments }];
        let call = MetadataCall::CreatePartitions { topics, validate_only: false };
        let MetadataAnswer::PartitionsCreated(mut answer) = machine.decide(call, NOW, &mut numbers(5)).answer else {
            panic!()
        };
        (answer.remove(0).map_err(words), machine.image().topic("t").expect("exists").partitions.len())
    };
    assert_eq!(add("t", 2, None), (Err((InvalidPartitions, "Topic already has 2 partition(s).".into())), 2));
    let what = "The topic t currently has 2 partition(s); -1 would not be an increase.";
    assert_eq!(add("t", -1, None), (Err((InvalidPartitions, what.into())), 2));
    assert_eq!(add("none", 3, None).0, Err((UnknownTopicOrPartition, String::new())));
    let one = by_hand("", &[(0, &[0])]).assignments;
    let what = "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.";
    assert_eq!(add("t", 4, Some(one.clone())), (Err((InvalidReplicaAssignment, what.into())), 2));
    assert_eq!(add("t", 3, Some(one)), (Ok(()), 3));
    assert_eq!(add("t", 8, None), (Ok(()), 8));
    let topic = machine.image().topic("t").expect("exists");
    let on_first = topic.partitions.iter().filter(|state| state.core_on(NodeId(0)) == Some(CoreId(0))).count();
    assert_eq!(on_first, 4);
}

#[test]
fn configurations_change_step_by_step() {
    let (mut machine, _) = started(1);
    create(&mut machine, vec![new_topic("t", 2)]);
    alter(&mut machine, "t", &[("retention.ms", 0, Some("5")), ("cleanup.policy", 2, Some("compact"))])
        .expect("altered");
    assert_eq!(own_config(&machine, "retention.ms").as_deref(), Some("5"));
    assert_eq!(own_config(&machine, "cleanup.policy").as_deref(), Some("delete,compact"), "appended to the default");
    alter(&mut machine, "t", &[("cleanup.policy", 3, Some("delete,compact")), ("nonsense", 1, None)]).expect("altered");
    assert_eq!(own_config(&machine, "cleanup.policy").as_deref(), Some(""), "an empty list is stored");
    alter(&mut machine, "t", &[("retention.ms", 1, Some("ignored"))]).expect("altered");
    assert_eq!(own_config(&machine, "retention.ms"), None);

    let mut refused = |steps: &[(&str, i8, Option<&str>)]| alter_error(&mut machine, steps);
    assert_eq!(refused(&[("x", 0, Some("1"))]), (InvalidConfig, "Unknown topic config name: x".into()));
    let what = "Null value not supported for : retention.ms";
    assert_eq!(refused(&[("retention.ms", 0, None)]), (InvalidRequest, what.into()));
    let what = "Can't APPEND to key retention.ms because its type is not LIST.";
    assert_eq!(refused(&[("retention.ms", 2, Some("1"))]), (InvalidConfig, what.into()));
    assert_eq!(refused(&[("retention.ms", 9, Some("1"))]).0, UnknownServerError);
    let twice = [("retention.ms", 0, Some("1")), ("retention.ms", 1, None)];
    assert_eq!(refused(&twice), (InvalidRequest, "Error due to duplicate config keys".into()));
    assert_eq!(refused(&[("retention.ms", 0, Some("1")), ("x", 0, Some("1"))]).0, InvalidConfig);
    let missing = alter(&mut machine, "none", &[("retention.ms", 0, Some("1"))]).expect_err("refused");
    assert_eq!(words(missing), (UnknownTopicOrPartition, "The topic 'none' does not exist.".into()));
    let missing = alter(&mut machine, "none", &[("x", 0, Some("1"))]).expect_err("refused");
    assert_eq!(missing.code, InvalidConfig);
    assert_eq!(alter(&mut machine, "", &[]).expect_err("refused").code, InvalidRequest);
    assert_eq!(alter(&mut machine, "a b", &[]).expect_err("refused").code, InvalidTopicException);
}

#[test]
fn a_changed_minimum_of_in_sync_replicas_changes_each_partitions_record() {
    let (mut machine, _) = started(1);
    create(&mut machine, vec![new_topic("t", 2)]);
    alter(&mut machine, "t", &[("min.insync.replicas", 0, Some("2"))]).expect("altered");
    for state in &machine.image().topic("t").expect("exists").partitions {
        assert_eq!((state.min_isr, state.partition_epoch.0, state.leader_epoch.0), (2, 1, 0));
    }
}

/// What one step on a broker, a group or a subscription leads to.
fn set(
    machine: &mut ControllerMachine,
    target: &ConfigTarget,
    key: &str,
    value: &str,
) -> Result<(), (ErrorCode, String)> {
    let (key, value) = (key.to_owned(), Some(value.to_owned()));
    let step = ConfigStep { key, operation: ConfigOperation::Set, value };
    change(machine, target.clone(), ConfigEdit::Steps(vec![step])).map_err(words)
}

#[test]
fn a_brokers_configuration_changes_where_kafkas_does() {
    let (mut machine, _) = started(1);
    create(&mut machine, vec![new_topic("t", 2), with_config("own", &[("min.insync.replicas", Some("1"))])]);
    let (one, all) = (ConfigTarget::Node(NodeId(0)), ConfigTarget::AllNodes);
    let read_only = Err((InvalidRequest, "Cannot update these configs dynamically: [num.partitions]".to_owned()));
    assert_eq!(set(&mut machine, &one, "num.partitions", "x"), read_only);
    let append = ConfigStep {
        key: "log.retention.ms".to_owned(),
        operation: ConfigOperation::Append,
        value: Some("1".to_owned()),
    };
    let refused = change(&mut machine, one.clone(), ConfigEdit::Steps(vec![append])).map_err(words);
    let what = "Config value append is not allowed for config key: log.retention.ms";
    assert_eq!(refused, Err((InvalidConfig, what.to_owned())));
    let what = "Invalid value x for configuration log.retention.ms: Not a number of type LONG";
    assert_eq!(set(&mut machine, &all, "log.retention.ms", "x"), Err((InvalidRequest, what.to_owned())));
    let (_, what) = set(&mut machine, &all, "log.retention.ms", "0").expect_err("refused");
    assert!(what.contains("log.retention.ms must not be 0"), "{what}");
    let (_, what) = set(&mut machine, &all, "ssl.client.auth", "none").expect_err("refused");
    assert!(what.ends_with("broker id must be specified: [ssl.client.auth]"), "{what}");
    set(&mut machine, &one, "ssl.client.auth", "none").expect("one broker's");
    let (_, what) = set(&mut machine, &one, "ssl.keystore.location", "x").expect_err("refused");
    assert!(what.ends_with("using the listener prefix: [ssl.keystore.location]"), "{what}");
    set(&mut machine, &one, "listener.name.x.ssl.keystore.location", "y").expect("a listener's");
    set(&mut machine, &all, "nobody.knows", "z").expect("kept");
    assert_eq!(machine.image().all_nodes_config().get("nobody.knows").map(String::as_str), Some("z"));

    set(&mut machine, &all, "min.insync.replicas", "2").expect("altered");
    let min_isr = |machine: &ControllerMachine, topic: &str| {
        machine.image().topic(topic).expect("exists").partitions.iter().map(|p| p.min_isr).collect::<Vec<_>>()
    };
    assert_eq!((min_isr(&machine, "t"), min_isr(&machine, "own")), (vec![2, 2], vec![1]));
    create(&mut machine, vec![new_topic("later", 1)]);
    assert_eq!(min_isr(&machine, "later"), [2]);
    change(&mut machine, all, ConfigEdit::Replace(Vec::new())).expect("cleared");
    assert_eq!((min_isr(&machine, "t"), machine.image().all_nodes_config().len()), (vec![1, 1], 0));
}

#[test]
fn a_groups_configuration_keeps_within_the_brokers_bounds() {
    let (mut machine, _) = started(1);
    let group = ConfigTarget::Group("g".to_owned());
    let mut refused = |key: &str, value: &str| set(&mut machine, &group, key, value).expect_err("refused");
    assert_eq!(refused("x", "1"), (InvalidConfig, "Unknown group config name: x".into()));
    let what = "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms";
    assert_eq!(refused("consumer.session.timeout.ms", "44999"), (InvalidConfig, what.into()));
    let what = "consumer.session.timeout.ms must be less than or equal to group.consumer.max.session.timeout.ms";
    assert_eq!(refused("consumer.session.timeout.ms", "60001"), (InvalidConfig, what.into()));
    set(&mut machine, &group, "consumer.session.timeout.ms", "50000").expect("altered");
    assert_eq!(machine.image().group_config("g").len(), 1);
    let nobody = ConfigTarget::Group(String::new());
    assert_eq!(set(&mut machine, &nobody, "x", "1").expect_err("refused").0, InvalidRequest);

    let metrics = ConfigTarget::ClientMetrics("m".to_owned());
    let mut refused = |key: &str, value: &str| set(&mut machine, &metrics, key, value).expect_err("refused");
    assert_eq!(refused("x", "1"), (InvalidRequest, "Unknown client metrics configuration: x".into()));
    assert_eq!(refused("interval.ms", "99").0, InvalidRequest);
    assert_eq!(refused("interval.ms", "x").0, InvalidConfig);
    assert_eq!(refused("match", "shoe=1"), (InvalidConfig, "Illegal client matching pattern: shoe=1".into()));
    set(&mut machine, &metrics, "match", "client_id=a.*").expect("altered");
    assert_eq!(machine.image().client_metrics_subscriptions().collect::<Vec<_>>(), ["m"]);
}
