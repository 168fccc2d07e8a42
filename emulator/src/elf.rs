//! What a firmware's ELF file takes of the board's memory, and what is in it.

use crate::{Board, Error};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, elf};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The functions of a heap: Rust's own, what stands behind them, and C's.
const HEAP: [&str; 17] = [
    "__rust_alloc",
    "__rust_alloc_zeroed",
    "__rust_realloc",
    "__rust_dealloc",
    "__rg_alloc",
    "__rg_alloc_zeroed",
    "__rg_realloc",
    "__rg_dealloc",
    "__rdl_alloc",
    "__rdl_alloc_zeroed",
    "__rdl_realloc",
    "__rdl_dealloc",
    "malloc",
    "calloc",
    "realloc",
    "free",
    "_sbrk",
];

/// The section of the stack, where there is one.
const STACK: &str = ".stack";

/// What a firmware takes of the board's memory, and its symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Bytes of flash: code, constants, and the first values of variables.
    pub flash: u64,
    /// Bytes of RAM: variables, without the stack.
    pub ram: u64,
    /// Bytes of RAM set aside for the stack, between the board's symbols `_stack_end` and `_stack_start`; 0 without them.
    pub stack: u64,
    /// The functions of a heap that are in it, inlined ones too where there is debug information, and those of the crate
    /// `alloc`: none, in firmware that does without a heap.
    pub heap_symbols: Vec<String>,
    /// Every named symbol.
    pub symbols: Vec<Symbol>,
}

/// A function or a variable in a firmware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its path in the source, such as `demo::MODEL`, or its plain name if it has no path.
    pub name: String,
    /// Where it is when the firmware runs.
    pub address: u64,
    /// Its bytes.
    pub size: u64,
    /// The section it is in, such as `.rodata`; empty if it is in none.
    pub section: String,
}

impl Report {
    /// Reads the ELF file at `path`, a firmware for `board`.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read, [`Error::Elf`] where it is no ELF file or has no symbols.
    pub fn read(path: &Path, board: &Board) -> Result<Report, Error> {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        Self::parse(&bytes, board).map_err(|reason| Error::Elf { path: path.to_owned(), reason })
    }

    fn parse(bytes: &[u8], board: &Board) -> Result<Report, String> {
        let file = object::File::parse(bytes).map_err(|error| format!("not a readable ELF file: {error}"))?;
        let (mut flash, mut ram) = (0, 0);
        // riscv-rt gives the stack a section, cortex-m-rt does not; it is counted by its symbols.
        for section in file.sections().filter(|section| is_loaded(section) && section.name() != Ok(STACK)) {
            if board.ram.contains(&section.address()) {
                ram += section.size();
            }
            // What has contents lies in flash, even if the start-up code then copies it to RAM.
            if section.kind() != SectionKind::UninitializedData {
                flash += section.size();
            }
        }
        let symbols: Vec<Symbol> = file.symbols().filter_map(|symbol| named(&file, &symbol)).collect();
        if symbols.is_empty() {
            // Without symbols nothing can be said of the heap, and silence would read as "none".
            return Err("has no symbols; build it without `strip`".into());
        }
        let inlined = inlined(&file);
        let names: BTreeSet<&String> = symbols.iter().map(|symbol| &symbol.name).chain(&inlined).collect();
        let heap_symbols = names.into_iter().filter(|name| is_of_heap(name)).cloned().collect();
        let address = |name| symbols.iter().find(|symbol| symbol.name == name).map_or(0, |symbol| symbol.address);
        let stack = address("_stack_start").saturating_sub(address("_stack_end"));
        Ok(Report { flash, ram, stack, heap_symbols, symbols })
    }

    /// A function that code which may panic calls, if there is one. The handler of panics, which every firmware has, is
    /// reached through `panic_fmt`.
    pub fn panic_symbol(&self) -> Option<&str> {
        let names = self.symbols.iter().map(|symbol| symbol.name.as_str());
        names.filter(|name| *name != "core::panicking::panic_fmt").find(|name| name.starts_with("core::panicking::"))
    }

    /// The symbol called `name`: its path in the source, or its plain name.
    pub fn symbol(&self, name: &str) -> Option<&Symbol> {
        self.symbols.iter().find(|symbol| symbol.name == name)
    }
}

/// Whether the section is in the board's memory, rather than for a debugger.
fn is_loaded<'data>(section: &impl ObjectSection<'data>) -> bool {
    matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(elf::SHF_ALLOC))
}

fn named(file: &object::File, symbol: &object::Symbol) -> Option<Symbol> {
    let name = symbol.name().ok().filter(|name| !name.is_empty())?;
    let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
    Some(Symbol {
        name: path_in_source(name),
        address: symbol.address(),
        size: symbol.size(),
        section: section.and_then(|section| Some(section.name().ok()?.to_owned())).unwrap_or_default(),
    })
}

/// The functions that the debug information names. With link-time optimization a whole heap can be inlined and leave no
/// symbol behind; here its functions still have their names.
fn inlined(file: &object::File) -> Vec<String> {
    let Some(strings) = file.section_by_name(".debug_str").and_then(|section| section.data().ok()) else {
        return Vec::new();
    };
    let names = strings.split(|&byte| byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
    names.filter(|name| name.starts_with("_ZN") || name.starts_with("_R")).map(path_in_source).collect()
}

/// Whether a function is one of [`HEAP`], or belongs to the crate `alloc`, or is made for a type of that crate.
fn is_of_heap(name: &str) -> bool {
    let function = name.rsplit("::").next().unwrap_or_default();
    HEAP.contains(&function) || name.starts_with("alloc::") || name.contains("<alloc::")
}

fn path_in_source(symbol: &str) -> String {
    // `#` leaves out the hash at the end.
    format!("{:#}", rustc_demangle::demangle(symbol))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::BOARDS;
    use object::write;

    /// A firmware as small as can be, every section at address 0 as in any unlinked file, on a board with RAM there.
    fn firmware(symbols: &[&str]) -> (Vec<u8>, Board) {
        let mut file =
            write::Object::new(object::BinaryFormat::Elf, object::Architecture::Arm, object::Endianness::Little);
        let rodata = file.add_section(Vec::new(), b".rodata".to_vec(), SectionKind::ReadOnlyData);
        file.append_section_data(rodata, &[1; 100], 4);
        let bss = file.add_section(Vec::new(), b".bss".to_vec(), SectionKind::UninitializedData);
        file.append_section_bss(bss, 32, 4);
        let stack = file.add_section(Vec::new(), STACK.into(), SectionKind::UninitializedData);
        file.append_section_bss(stack, 64, 4);
        let debug = file.add_section(Vec::new(), b".debug_info".to_vec(), SectionKind::Debug);
        file.append_section_data(debug, &[2; 1000], 1);
        for name in symbols {
            add_symbol(&mut file, name, 8, write::SymbolSection::Section(rodata));
        }
        (file.write().unwrap(), Board { ram: 0..1024, ..BOARDS[0].clone() })
    }

    fn add_symbol(file: &mut write::Object, name: &str, value: u64, section: write::SymbolSection) {
        file.add_symbol(write::Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size: 12,
            kind: object::SymbolKind::Data,
            scope: object::SymbolScope::Linkage,
            weak: false,
            section,
            flags: object::SymbolFlags::None,
        });
    }

    #[test]
    fn flash_is_what_has_contents_and_ram_what_lies_there() {
        let (bytes, board) = firmware(&["main"]);
        let report = Report::parse(&bytes, &board).unwrap();
        assert_eq!((report.flash, report.ram), (100, 132));
        let elsewhere = Board { ram: 4096..8192, ..board };
        let report = Report::parse(&bytes, &elsewhere).unwrap();
        assert_eq!((report.flash, report.ram), (100, 0));
    }

    #[test]
    fn the_stack_is_what_its_symbols_enclose() {
        let mut file =
            write::Object::new(object::BinaryFormat::Elf, object::Architecture::Riscv32, object::Endianness::Little);
        add_symbol(&mut file, "_stack_end", 0x2000_0000, write::SymbolSection::Absolute);
        add_symbol(&mut file, "_stack_start", 0x2000_1800, write::SymbolSection::Absolute);
        assert_eq!(Report::parse(&file.write().unwrap(), &BOARDS[0]).unwrap().stack, 6144);
    }

    #[test]
    fn a_symbol_is_found_by_its_path_in_the_source() {
        let (bytes, board) = firmware(&["_ZN4demo5MODEL17h0123456789abcdefE"]);
        let report = Report::parse(&bytes, &board).unwrap();
        let model = Symbol { name: "demo::MODEL".into(), address: 8, size: 12, section: ".rodata".into() };
        assert_eq!(report.symbol("demo::MODEL"), Some(&model));
        assert_eq!(report.symbol("demo::OTHER"), None);
    }

    #[test]
    fn a_path_to_a_panic_is_noticed() {
        let handler = "_ZN4core9panicking9panic_fmt17h0123456789abcdefE";
        let (bytes, board) = firmware(&["main", handler]);
        assert_eq!(Report::parse(&bytes, &board).unwrap().panic_symbol(), None);
        let (bytes, board) = firmware(&["main", handler, "_ZN4core9panicking18panic_bounds_check17h0123456789abcdefE"]);
        let report = Report::parse(&bytes, &board).unwrap();
        assert_eq!(report.panic_symbol(), Some("core::panicking::panic_bounds_check"));
    }

    #[test]
    fn a_heap_is_noticed_under_its_plain_and_its_mangled_name() {
        let (bytes, board) = firmware(&["main", "malloc", "_RNvCs5QKde7ScR4H_7___rustc12___rust_alloc"]);
        assert_eq!(Report::parse(&bytes, &board).unwrap().heap_symbols, ["__rustc::__rust_alloc", "malloc"]);
        let (bytes, board) = firmware(&["main", "_ZN5alloc7raw_vec17capacity_overflow17h0123456789abcdefE"]);
        assert_eq!(Report::parse(&bytes, &board).unwrap().heap_symbols, ["alloc::raw_vec::capacity_overflow"]);
        let (bytes, board) = firmware(&["main", "demo_malloc", "_ZN4core5alloc6layout17h0123456789abcdefE"]);
        assert!(Report::parse(&bytes, &board).unwrap().heap_symbols.is_empty());
    }

    #[test]
    fn an_inlined_heap_is_noticed_by_the_debug_information() {
        let mut file =
            write::Object::new(object::BinaryFormat::Elf, object::Architecture::Arm, object::Endianness::Little);
        let names = file.add_section(Vec::new(), b".debug_str".to_vec(), SectionKind::DebugString);
        file.append_section_data(names, b"alloc\0_ZN4core5alloc6layout17h0123456789abcdefE\0", 1);
        file.append_section_data(names, b"_ZN5alloc5alloc15exchange_malloc17h0123456789abcdefE\0", 1);
        add_symbol(&mut file, "main", 8, write::SymbolSection::Absolute);
        let report = Report::parse(&file.write().unwrap(), &BOARDS[0]).unwrap();
        assert_eq!(report.heap_symbols, ["alloc::alloc::exchange_malloc"]);
    }

    #[test]
    fn a_file_without_symbols_or_that_is_no_elf_is_refused() {
        let (bytes, board) = firmware(&[]);
        assert!(Report::parse(&bytes, &board).unwrap_err().contains("no symbols"));
        assert!(Report::parse(b"no ELF", &board).unwrap_err().contains("not a readable ELF"));
    }
}
