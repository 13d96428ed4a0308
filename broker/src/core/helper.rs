//! A plain thread for what no ring can do (listing a directory; cutting a file before Linux 6.9): it answers by the
//! asking core's bell.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    mpsc::{Sender, channel},
};

use crate::core::bell::Bell;

type Job = Box<dyn FnOnce() + Send>;

/// The node's helper thread; started when first needed.
#[derive(Default)]
pub(super) struct Helper {
    jobs: OnceLock<Mutex<Sender<Job>>>,
}

/// Where the answer appears.
pub(super) struct Answer<T>(Arc<Mutex<Option<T>>>);

impl<T> Answer<T> {
    /// The answer, once it is there.
    pub(super) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Helper {
    /// Has the thread run `job`, then rings `bell`.
    pub(super) fn run<T: Send + 'static>(
        &self,
        bell: Arc<Bell>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        let answer = Arc::new(Mutex::new(None));
        let place = answer.clone();
        let job: Job = Box::new(move || {
            let outcome = job();
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            bell.ring_from_thread();
        });
        let jobs = self.jobs.get_or_init(|| Mutex::new(start())).lock().unwrap_or_else(PoisonError::into_inner);
        jobs.send(job).expect("the helper thread lives as long as its node");
        Answer(answer)
    }
}

fn start() -> Sender<Job> {
    let (jobs, to_do) = channel::<Job>();
    std::thread::Builder::new()
        .name("corelog-helper".into())
        .spawn(move || to_do.into_iter().for_each(|job| job()))
        .expect("a thread can be started");
    jobs
}
