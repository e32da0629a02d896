//! Reads the compound file (MS-CFB) around an XLS workbook, and writes a clean one around the same stream.
//!
//! The library that reads the cells trusts the file's own chains of sectors: a chain that leads back to itself made it
//! ask for memory without end. So the stream is taken out here, where every chain has an end, and handed over in a
//! file of our own making.

const END_OF_CHAIN: u32 = 0xFFFF_FFFE;
const FREE: u32 = 0xFFFF_FFFF;
const ALLOCATION_TABLE: u32 = 0xFFFF_FFFD;
/// The sectors of the file that we write, in bytes: the large kind, so that 109 of them describe any workbook.
const SECTOR: usize = 4096;

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

/// Whether a compound file holds an encrypted XLSX.
pub(crate) fn is_encrypted_package(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    memchr::memmem::find(bytes, &name).is_some()
}

/// The stream of the workbook in a compound file; `None` where the file contradicts itself.
pub(crate) fn workbook_stream(bytes: &[u8]) -> Option<Vec<u8>> {
    Compound::open(bytes)?.workbook()
}

struct Compound<'b> {
    bytes: &'b [u8],
    sector_bytes: usize,
    /// The sector that follows each sector.
    next: Vec<u32>,
}

impl<'b> Compound<'b> {
    fn open(bytes: &'b [u8]) -> Option<Self> {
        let sector_bytes = match u16_at(bytes, 0x1E)? {
            9 => 512,
            12 => 4096,
            _ => return None,
        };
        let mut file = Self { bytes, sector_bytes, next: Vec::new() };
        let mut tables: Vec<u32> = (0..109).map_while(|n| u32_at(bytes, 0x4C + 4 * n)).collect();
        let mut list = u32_at(bytes, 0x44)?;
        for _ in 0..u32_at(bytes, 0x48)?.min(1024) {
            let sector = file.sector(list)?;
            let last = sector_bytes - 4;
            tables.extend((0..last).step_by(4).map_while(|at| u32_at(sector, at)));
            list = u32_at(sector, last)?;
        }
        let count = usize::try_from(u32_at(bytes, 0x2C)?).ok()?;
        for table in tables.into_iter().take(count) {
            let sector = file.sector(table)?;
            file.next.extend((0..sector_bytes).step_by(4).map_while(|at| u32_at(sector, at)));
        }
        Some(file)
    }

    fn sector(&self, number: u32) -> Option<&'b [u8]> {
        let start = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(self.sector_bytes)?;
        // The last sector of a file may be cut.
        let end = start.checked_add(self.sector_bytes)?.min(self.bytes.len());
        self.bytes.get(start..end).filter(|sector| !sector.is_empty())
    }

    /// The sectors of a chain; one that is longer than the file leads back to itself.
    fn chain(&self, first: u32) -> Option<Vec<u8>> {
        let (mut chain, mut number) = (Vec::new(), first);
        while number != END_OF_CHAIN {
            chain.extend_from_slice(self.sector(number)?);
            number = *self.next.get(usize::try_from(number).ok()?)?;
            if chain.len() > self.bytes.len() {
                return None;
            }
        }
        Some(chain)
    }

    fn workbook(&self) -> Option<Vec<u8>> {
        let directory = self.chain(u32_at(self.bytes, 0x30)?)?;
        let name_of = |entry: &[u8]| -> Option<String> {
            let len = usize::from(u16_at(entry, 64)?).checked_sub(2)?;
            let units: Vec<u16> = (0..len.min(62)).step_by(2).map_while(|at| u16_at(entry, at)).collect();
            String::from_utf16(&units).ok()
        };
        let entries = || directory.chunks_exact(128);
        let is_named = |entry: &[u8], name: &str| name_of(entry).is_some_and(|found| found.eq_ignore_ascii_case(name));
        let entry = ["Workbook", "Book"].into_iter().find_map(|name| entries().find(|entry| is_named(entry, name)))?;
        let (first, len) = (u32_at(entry, 116)?, usize::try_from(u32_at(entry, 120)?).ok()?);
        let mut stream = if len < 4096 {
            let root = entries().next()?;
            self.small_chain(&self.chain(u32_at(root, 116)?)?, first)?
        } else {
            self.chain(first)?
        };
        stream.truncate(len);
        Some(stream)
    }

    /// A stream of less than 4,096 bytes, which shares sectors with others.
    fn small_chain(&self, container: &[u8], first: u32) -> Option<Vec<u8>> {
        let table = self.chain(u32_at(self.bytes, 0x3C)?)?;
        let (mut chain, mut number) = (Vec::new(), first);
        while number != END_OF_CHAIN {
            let at = usize::try_from(number).ok()?.checked_mul(64)?;
            chain.extend_from_slice(container.get(at..at.checked_add(64)?.min(container.len()))?);
            number = u32_at(&table, usize::try_from(number).ok()?.checked_mul(4)?)?;
            if chain.len() > container.len() {
                return None;
            }
        }
        Some(chain)
    }
}

/// A compound file with nothing in it but a workbook stream: header, allocation table, directory, stream.
pub(crate) fn wrapped(stream: &[u8]) -> Vec<u8> {
    let stream_sectors = stream.len().div_ceil(SECTOR).max(1);
    let per_table = SECTOR / 4;
    let tables = (stream_sectors + 1).div_ceil(per_table - 1);
    let first = tables + 1;
    let narrow = |number: usize| u32::try_from(number).unwrap_or(FREE);
    let mut next: Vec<u32> = vec![ALLOCATION_TABLE; tables];
    next.push(END_OF_CHAIN);
    next.extend((1..stream_sectors).map(|sector| narrow(first + sector)));
    next.push(END_OF_CHAIN);
    next.resize(tables * per_table, FREE);

    let mut file = vec![0; SECTOR];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    put(0x18, &[0x3E, 0, 4, 0, 0xFE, 0xFF, 12, 0, 6, 0]);
    put(0x2C, &narrow(tables).to_le_bytes());
    put(0x30, &narrow(tables).to_le_bytes());
    put(0x38, &4096_u32.to_le_bytes());
    put(0x3C, &END_OF_CHAIN.to_le_bytes());
    put(0x44, &END_OF_CHAIN.to_le_bytes());
    for place in 0..109 {
        put(0x4C + 4 * place, &(if place < tables { narrow(place) } else { FREE }).to_le_bytes());
    }
    file.extend(next.into_iter().flat_map(u32::to_le_bytes));
    let mut directory = entry("Root Entry", 5, 0, 0);
    // A stream of less than 4,096 bytes would have to share sectors: what is padded behind its last record is ignored.
    directory.extend(entry("Workbook", 2, narrow(first), stream.len().max(4096)));
    directory.resize(SECTOR, 0);
    file.extend(directory);
    file.extend_from_slice(stream);
    file.resize((1 + first + stream_sectors) * SECTOR, 0);
    file
}

fn entry(name: &str, kind: u8, first: u32, len: usize) -> Vec<u8> {
    let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let name_bytes = u16::try_from(entry.len() + 2).unwrap_or(64);
    entry.resize(64, 0);
    entry.extend(name_bytes.to_le_bytes());
    entry.extend([kind, 1]);
    entry.extend([0xFF; 12]);
    entry.resize(116, 0);
    entry.extend(first.to_le_bytes());
    entry.extend((len as u64).to_le_bytes());
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_is_found_again() {
        for len in [1, 4095, 4096, 4097, 100_000, 5_000_000] {
            let stream: Vec<u8> = (0..len).map(|n: u32| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
            let found = workbook_stream(&wrapped(&stream)).unwrap();
            assert_eq!(found[..stream.len()], stream[..], "{len} bytes");
            assert!(found[stream.len()..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn a_chain_that_leads_back_to_itself_has_no_stream() {
        let mut file = wrapped(&vec![7; 3 * SECTOR]);
        // The second sector of the stream is followed by the first.
        file[SECTOR + 4 * 3..SECTOR + 4 * 4].copy_from_slice(&2_u32.to_le_bytes());
        assert_eq!(workbook_stream(&file), None);
    }
}
