//! The names of the opcodes that the book's data do without, for messages.

const REFUSED: [(u8, &str); 27] = [
    (b'0', "POP"),
    (b'1', "POP_MARK"),
    (b'2', "DUP"),
    (b'F', "FLOAT"),
    (b'G', "BINFLOAT"),
    (b'L', "LONG"),
    (b'P', "PERSID"),
    (b'Q', "BINPERSID"),
    (b'V', "UNICODE"),
    (b')', "EMPTY_TUPLE"),
    (b'}', "EMPTY_DICT"),
    (b'd', "DICT"),
    (b'i', "INST"),
    (b'o', "OBJ"),
    (b's', "SETITEM"),
    (b'u', "SETITEMS"),
    (0x81, "NEWOBJ"),
    (0x82, "EXT1"),
    (0x83, "EXT2"),
    (0x84, "EXT4"),
    (0x8b, "LONG4"),
    (0x8d, "BINUNICODE8"),
    (0x8e, "BINBYTES8"),
    (0x92, "NEWOBJ_EX"),
    (0x96, "BYTEARRAY8"),
    (0x97, "NEXT_BUFFER"),
    (0x98, "READONLY_BUFFER"),
];

/// The name of an opcode that is refused, if pickles have it at all.
pub(super) fn name(opcode: u8) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| *refused == opcode).map(|(_, name)| *name)
}
