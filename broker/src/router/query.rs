//! Questions about partitions, split by owner and merged.

use std::rc::Rc;

use corelog_storage::{env::Lane, ids::LogId};
use corelog_wire::error_code::ErrorCode;

use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    partition::query::{self, Answer, Query},
    router::{Caller, CoreMessage, CoreReply},
};

/// A question about one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The partition's log.
    pub log: LogId,
    /// The question.
    pub query: Query,
}

/// Asks the owners; the answers are in the questions' order. An owner that a partition has left is not believed.
pub async fn ask<E: NetEnv>(
    core: &Rc<Core<E>>,
    questions: Vec<Result<(CoreId, Asked), Fault>>,
) -> Vec<Result<Answer, Fault>> {
    let mut answers = ask_owners(core, questions.clone()).await;
    let image = core.image();
    let again = |(question, answer): (Result<(CoreId, Asked), Fault>, &Result<Answer, Fault>)| {
        let (asked, question) = question.ok()?;
        let refused = answer.as_ref().is_err_and(|fault| fault.code() == ErrorCode::NotLeaderOrFollower);
        let (node, owner) = image.partition(question.log)?.leader_core()?;
        (refused && node == core.node && owner != asked).then_some((owner, question))
    };
    let moved: Vec<_> = questions.into_iter().zip(&answers).map(again).collect();
    let places = (0..moved.len()).filter(|place| moved[*place].is_some()).collect::<Vec<_>>();
    if !places.is_empty() {
        let later = ask_owners(core, moved.into_iter().flatten().map(Ok).collect()).await;
        places.into_iter().zip(later).for_each(|(place, answer)| answers[place] = answer);
    }
    answers
}

async fn ask_owners<E: NetEnv>(
    core: &Rc<Core<E>>,
    questions: Vec<Result<(CoreId, Asked), Fault>>,
) -> Vec<Result<Answer, Fault>> {
    let mut answers: Vec<Result<Answer, Fault>> = Vec::with_capacity(questions.len());
    let (mut local, mut forwards) = (Vec::new(), Vec::<(CoreId, Vec<usize>, Vec<Asked>)>::new());
    for (index, question) in questions.into_iter().enumerate() {
        answers.push(Err(Fault::CoreGone));
        match question {
            Err(fault) => answers[index] = Err(fault),
            Ok((owner, asked)) if owner == core.id => local.push((index, asked)),
            Ok((owner, asked)) => match forwards.iter_mut().find(|(to, ..)| *to == owner) {
                Some((_, indices, share)) => {
                    indices.push(index);
                    share.push(asked);
                }
                None => forwards.push((owner, vec![index], vec![asked])),
            },
        }
    }
    let mut sent = Vec::with_capacity(forwards.len());
    for (owner, indices, share) in forwards {
        if let Ok(pending) = core.router.mailbox.submit(owner, CoreMessage::Query(share)).await {
            sent.push((indices, pending));
        }
    }
    for (index, asked) in local {
        answers[index] = query::answer(core, asked.log, asked.query).await;
    }
    for (indices, pending) in sent {
        if let Ok(CoreReply::Answered(share)) = pending.await {
            indices.into_iter().zip(share).for_each(|(index, answer)| answers[index] = answer);
        }
    }
    answers
}

/// Answers another core's questions.
pub(super) fn serve<E: NetEnv>(core: &Rc<Core<E>>, caller: Caller, questions: Vec<Asked>) {
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        let mut answers = Vec::with_capacity(questions.len());
        for asked in questions {
            answers.push(query::answer(&core, asked.log, asked.query).await);
        }
        caller.reply(CoreReply::Answered(answers));
    });
}
