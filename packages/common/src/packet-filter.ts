// packet-filter.ts — which frames the kernel hands to a packet socket: classic BPF programs as bytes.

/** One instruction of struct sock_filter (kernel: Documentation/networking/filter.rst). */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

// BPF_LD|BPF_B|BPF_ABS and so on, <linux/bpf_common.h>.
const LOAD_BYTE = 0x30;
const LOAD_BYTE_INDEXED = 0x50;
const LOAD_HALF = 0x28;
const LOAD_HALF_INDEXED = 0x48;
/** The index register becomes the length of the IPv4 header at this offset. */
const INDEX_HEADER = 0xb1;
const JUMP_EQUAL = 0x15;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

const WHOLE_FRAME = 0xffff;
const ETHERNET = 14;
const ICMP = 1;
const ICMPV6 = 58;
const ECHO_REPLY = 0;
const ECHO_REPLY_6 = 129;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;

function assemble(instructions: readonly Instruction[]): Buffer {
  const program = Buffer.alloc(8 * instructions.length);
  for (const [i, [code, ifTrue, ifFalse, operand]] of instructions.entries()) {
    program.writeUInt16LE(code, 8 * i);
    program.writeUInt8(ifTrue, 8 * i + 2);
    program.writeUInt8(ifFalse, 8 * i + 3);
    program.writeUInt32LE(operand, 8 * i + 4);
  }
  return program;
}

/** IPv4 echo replies (RFC 792) to questions that carried this identifier. */
export const echoReplyFilter = (identifier: number): Buffer =>
  assemble([
    [LOAD_BYTE, 0, 0, ETHERNET + 9],
    [JUMP_EQUAL, 0, 8, ICMP],
    [LOAD_HALF, 0, 0, ETHERNET + 6],
    // Later fragments have no ICMP header.
    [JUMP_ANY_BIT, 6, 0, 0x1fff],
    [INDEX_HEADER, 0, 0, ETHERNET],
    [LOAD_BYTE_INDEXED, 0, 0, ETHERNET],
    [JUMP_EQUAL, 0, 3, ECHO_REPLY],
    [LOAD_HALF_INDEXED, 0, 0, ETHERNET + 4],
    [JUMP_EQUAL, 0, 1, identifier],
    [RETURN, 0, 0, WHOLE_FRAME],
    [RETURN, 0, 0, 0],
  ]);

/** IPv6 neighbour solicitations and advertisements (RFC 4861), and echo replies (RFC 4443). */
export const neighbourDiscoveryFilter = (): Buffer =>
  assemble([
    [LOAD_BYTE, 0, 0, ETHERNET + 6],
    [JUMP_EQUAL, 0, 5, ICMPV6],
    [LOAD_BYTE, 0, 0, ETHERNET + 40],
    [JUMP_EQUAL, 2, 0, NEIGHBOUR_SOLICITATION],
    [JUMP_EQUAL, 1, 0, NEIGHBOUR_ADVERTISEMENT],
    [JUMP_EQUAL, 0, 1, ECHO_REPLY_6],
    [RETURN, 0, 0, WHOLE_FRAME],
    [RETURN, 0, 0, 0],
  ]);
