/** MD5 (RFC 1321) of bytes as hexadecimal: the protocol names it, and browsers do not have it. No secret rests on it. */

const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
]
const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32))

export function md5(bytes: Uint8Array): string {
  const length = bytes.length
  const padded = new Uint8Array(((length + 8) >> 6 << 6) + 64)
  padded.set(bytes)
  padded[length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, (length * 8) >>> 0, true)
  view.setUint32(padded.length - 4, Math.floor(length / 2 ** 29), true)
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d] = state as [number, number, number, number]
    for (let i = 0; i < 64; i += 1) {
      const round = i >> 4
      let mixed: number
      let word: number
      if (round === 0) [mixed, word] = [(b & c) | (~b & d), i]
      else if (round === 1) [mixed, word] = [(d & b) | (~d & c), (5 * i + 1) % 16]
      else if (round === 2) [mixed, word] = [b ^ c ^ d, (3 * i + 5) % 16]
      else [mixed, word] = [c ^ (b | ~d), (7 * i) % 16]
      const sum = (a + mixed + SINES[i]! + view.getUint32(at + word * 4, true)) | 0
      const by = SHIFTS[round]![i % 4]!
      ;[a, d, c] = [d, c, b]
      b = (b + ((sum << by) | (sum >>> (32 - by)))) | 0
    }
    state[0] = (state[0]! + a) | 0
    state[1] = (state[1]! + b) | 0
    state[2] = (state[2]! + c) | 0
    state[3] = (state[3]! + d) | 0
  }
  const out = new DataView(new ArrayBuffer(16))
  state.forEach((word, i) => out.setInt32(i * 4, word, true))
  return Array.from(new Uint8Array(out.buffer), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
