//! Which CPUs a disk's interrupts come to. A core on one of them learns of its writes without another CPU being woken: where
//! a disk has one queue, as in many virtual machines, one record at a time took 0.84x from end to end and 0.77x of the CPU.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The CPUs to which the interrupts of the disks below `dirs` come: all for a disk with a queue for each, none for one whose
/// interrupts cannot be seen.
pub(super) fn interrupted_by(dirs: &[PathBuf]) -> BTreeSet<usize> {
    // A folder that is made at this start will be on the disk of the one around it.
    let device = |dir| std::path::absolute(dir).ok()?.ancestors().find_map(|dir| Some(fs::metadata(dir).ok()?.dev()));
    System(Path::new("/")).interrupted(dirs.iter().filter_map(device))
}

/// What the kernel shows of itself below a root.
struct System<'a>(&'a Path);

impl System<'_> {
    /// The CPUs that devices with these numbers interrupt.
    fn interrupted(&self, devices: impl Iterator<Item = u64>) -> BTreeSet<usize> {
        let named = devices.map(|number| format!("sys/dev/block/{}:{}", libc::major(number), libc::minor(number)));
        let disks = named.flat_map(|name| disks(&self.0.join(name)));
        disks
            .flat_map(|disk| interrupts(&disk))
            .filter(|irq| self.is_used(irq))
            .flat_map(|irq| self.cpus(&irq))
            .collect()
    }

    /// Whether one has come yet: a disk has interrupts for other ends, too.
    fn is_used(&self, irq: &str) -> bool {
        let counts = fs::read_to_string(self.0.join("sys/kernel/irq").join(irq).join("per_cpu_count"));
        counts.is_ok_and(|counts| counts.trim().split(',').any(|count| count != "0"))
    }

    fn cpus(&self, irq: &str) -> Vec<usize> {
        let list = fs::read_to_string(self.0.join("proc/irq").join(irq).join("effective_affinity_list"));
        list.map(|list| list.trim().split(',').filter_map(range).flatten().collect()).unwrap_or_default()
    }
}

/// `3` or `4-7`.
fn range(text: &str) -> Option<std::ops::RangeInclusive<usize>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// The disks that a block device is a partition of, or is made of.
fn disks(device: &Path) -> Vec<PathBuf> {
    let Ok(device) = device.canonicalize() else { return Vec::new() };
    let whole = if device.join("partition").exists() { device.parent().unwrap_or(&device) } else { &device };
    let parts: Vec<_> = fs::read_dir(whole.join("slaves")).into_iter().flatten().flatten().collect();
    match parts.is_empty() {
        true => vec![whole.to_owned()],
        false => parts.iter().flat_map(|part| disks(&part.path())).collect(),
    }
}

/// The numbers of its controller's interrupts.
fn interrupts(disk: &Path) -> Vec<String> {
    let Ok(device) = disk.join("device").canonicalize() else { return Vec::new() };
    let found = device.ancestors().find_map(|above| fs::read_dir(above.join("msi_irqs")).ok());
    found.into_iter().flatten().flatten().map(|irq| irq.file_name().to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// What a kernel shows of one controller with the disk 254:0, its partition 254:1 and 253:0 that is made of it; its
    /// interrupts by number, with their counts and their CPUs.
    fn system(name: &str, interrupts: &[(&str, &str, &str)]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("corelog-disk-cpus-{name}-{}", std::process::id()));
        let (controller, blocks) = (root.join("sys/devices/pci0/02.0"), root.join("sys/dev/block"));
        let disk = controller.join("virtio1/block/vda");
        let made = root.join("sys/devices/virtual/block/dm-0");
        for dir in [&disk.join("vda1"), &made.join("slaves"), &blocks, &controller.join("msi_irqs")] {
            fs::create_dir_all(dir).expect("a folder");
        }
        let link = |to: &Path, at: PathBuf| symlink(to, at).expect("a link");
        link(&controller.join("virtio1"), disk.join("device"));
        fs::write(disk.join("vda1/partition"), "1\n").expect("a file");
        link(&disk.join("vda1"), made.join("slaves/vda1"));
        link(&disk, blocks.join("254:0"));
        link(&disk.join("vda1"), blocks.join("254:1"));
        link(&made, blocks.join("253:0"));
        for (number, counts, cpus) in interrupts {
            let (counted, sent) = (root.join("sys/kernel/irq").join(number), root.join("proc/irq").join(number));
            fs::create_dir_all(&counted).expect("a folder");
            fs::create_dir_all(&sent).expect("a folder");
            fs::write(controller.join("msi_irqs").join(number), "msix\n").expect("a file");
            fs::write(counted.join("per_cpu_count"), counts).expect("a file");
            fs::write(sent.join("effective_affinity_list"), cpus).expect("a file");
        }
        root
    }

    fn near(root: &Path, device: (u32, u32)) -> Vec<usize> {
        System(root).interrupted([libc::makedev(device.0, device.1)].into_iter()).into_iter().collect()
    }

    #[test]
    fn the_cpu_that_a_disk_of_one_queue_interrupts_is_found() {
        let root = system("one", &[("35", "0,0,0\n", "0\n"), ("36", "0,7,0\n", "1\n")]);
        for device in [(254, 0), (254, 1), (253, 0)] {
            assert_eq!(near(&root, device), [1], "{device:?}");
        }
        assert!(near(&root, (8, 0)).is_empty(), "a device that is not shown");
        fs::remove_dir_all(root).expect("it is there");
    }

    #[test]
    fn a_disk_with_queues_for_all_interrupts_all() {
        let root = system("all", &[("40", "9,0,0,0", "0\n"), ("41", "0,1,0,1", "1,2-3\n")]);
        assert_eq!(near(&root, (254, 0)), [0, 1, 2, 3]);
        fs::remove_dir_all(root).expect("it is there");
    }
}
