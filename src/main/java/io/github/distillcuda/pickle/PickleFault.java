package io.github.distillcuda.pickle;

/** Why a pickle is refused; in parentheses what is told with it, else nothing. */
public enum PickleFault {
  PROTOCOL, // it does not begin as protocol 2 does (the protocol, 0 if it names none)
  OPCODE, // not one of the format's (the opcode, just read)
  CUT_OFF, // it ends in the middle of an opcode
  OPCODES, // more than any genuine file has (how many may be)
  UNFINISHED, // it stops with no value, several, or an open mark
  TRAILING, // bytes after STOP (how many)
  OPERANDS, // fewer than an opcode takes on the stack or above its innermost mark
  MARK, // none is open where an opcode wants one
  DEPTH, // more marks open than in any genuine file (how many may be)
  MEMO, // nothing remembered at an index
  NAME_LENGTH, // of a module or name (how many bytes may be)
  NAME, // not one of the format's (module and name, a dot between)
  CALL, // not one of the format's
  STATE, // for something that takes none, or not this one
  NO_LIST, // where items are added
  NO_DICTIONARY, // where entries are added, or a key without a value
  KEY, // of a type that the format does not use for keys
  KEY_TWICE // in one dictionary (the key)
}
