//! Refuses a ledger where its writes would go past SQLite's locks: on a network's file system, or behind another program.

use crate::ledger::error::LedgerError;
use std::path::Path;

/// SQLite's write-ahead log needs memory that both sides share; over a network there is none.
#[cfg(target_os = "linux")]
pub(in crate::ledger) fn refuse_network_share(path: &Path) -> Result<(), LedgerError> {
    let Ok(stat) = rustix::fs::statfs(path) else { return Ok(()) };
    // The type is signed on some machines: the bits are what counts.
    match u32::try_from(stat.f_type & 0xffff_ffff).ok().and_then(network_share) {
        Some(kind) => Err(LedgerError::NetworkShare { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

/// The kind of file system by its number (statfs(2), linux/magic.h), where writes of two machines can meet, or where
/// another program stands between a write and the disk.
#[cfg(target_os = "linux")]
fn network_share(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some("NFS"),
        0xff53_4d42 => Some("CIFS"),
        0xfe53_4d42 | 0x517b => Some("SMB"),
        0x0102_1997 => Some("9P"),
        // virtiofs says the same.
        0x6573_5546 => Some("FUSE or virtiofs"),
        0x00c3_6400 => Some("CephFS"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
pub(in crate::ledger) fn refuse_network_share(_path: &Path) -> Result<(), LedgerError> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The numbers as the kernel has them in linux/magic.h, and for Lustre and OpenAFS in their own sources.
    #[test]
    fn file_systems_are_told_by_their_numbers() {
        for (magic, kind) in [
            (0x0000_6969, Some("NFS")),
            (0xFF53_4D42, Some("CIFS")),
            (0xFE53_4D42, Some("SMB")),
            (0x0000_517B, Some("SMB")),
            (0x0102_1997, Some("9P")),
            (0x6573_5546, Some("FUSE or virtiofs")),
            (0x00C3_6400, Some("CephFS")),
            (0x0BD0_0BD0, Some("Lustre")),
            (0x5346_414F, Some("AFS")),
            (0x6B41_4653, Some("AFS")),
            // ext4, XFS, Btrfs, ZFS, F2FS, tmpfs, overlayfs, bcachefs: disks and memory of one machine.
            (0x0000_EF53, None),
            (0x5846_5342, None),
            (0x9123_683E, None),
            (0x2FC1_2FC1, None),
            (0xF2F5_2010, None),
            (0x0102_1994, None),
            (0x794C_7630, None),
            (0xCA45_1A4E, None),
        ] {
            assert_eq!(network_share(magic), kind, "{magic:#010x}");
        }
    }
}
