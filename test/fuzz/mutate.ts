import type { Random } from "../simulation/engine/random.ts";

const MAX_BYTES = 4_096;

/** Texts that parsers treat specially. */
const dictionary = [
  ...["{", "}", "[", "]", '"', ":", ",", "\\", "\\u0000", "\\ud800", "null", "true", "-0", "1e400"],
  ...[
    "9007199254740993",
    "12345678901234567890",
    "1.0",
    '"__proto__":',
    '"constructor":',
    "\u0000",
  ],
  ...[
    "\ufeff",
    "\u2028",
    "é",
    "😀",
    "2026-02-29T24:00:00Z",
    "-1",
    "Infinity",
    "NaN",
    ".",
    "..",
    "%00",
  ],
  ...["eyJhbGciOiJub25lIn0.", "v1,", "sha256=", "Bearer ", ";", "=", "-", "_", "/", " ", "\r\n"],
].map((text) => Buffer.from(text));

/** Numbers at which lengths and signs change. */
const bytes = [0, 1, 0x1f, 0x20, 0x7f, 0x80, 0xbf, 0xc0, 0xed, 0xf4, 0xff];

const below = (random: Random, end: number) => random.int(0, Math.max(0, Math.ceil(end) - 1));

type Mutation = (input: Buffer, random: Random, corpus: readonly Buffer[]) => Buffer;

const at = (input: Buffer, random: Random) => below(random, input.length + 1);

const mutations: readonly Mutation[] = [
  // Another byte, from all or from those at which something changes.
  (input, random) => {
    const copy = Buffer.from(input);
    if (copy.length > 0) copy[below(random, copy.length)] = below(random, 256);
    return copy;
  },
  (input, random) => {
    const copy = Buffer.from(input);
    if (copy.length > 0) copy[below(random, copy.length)] = random.pick(bytes);
    return copy;
  },
  (input, random) => {
    const copy = Buffer.from(input);
    if (copy.length > 0) {
      const place = below(random, copy.length);
      copy[place] = (copy[place] ?? 0) ^ (1 << below(random, 8));
    }
    return copy;
  },
  // A character more.
  (input, random) => insert(input, at(input, random), Buffer.from([random.int(0x20, 0x7e)])),
  // A known text.
  (input, random) => insert(input, at(input, random), random.pick(dictionary)),
  (input, random) => {
    const word = random.pick(dictionary);
    const place = at(input, random);
    return Buffer.concat([input.subarray(0, place), word, input.subarray(place + word.length)]);
  },
  // A part less, twice, or of another input.
  (input, random) => {
    const place = at(input, random);
    return Buffer.concat([
      input.subarray(0, place),
      input.subarray(place + 1 + below(random, input.length / 2 + 1)),
    ]);
  },
  (input, random) => {
    const from = at(input, random);
    return insert(input, at(input, random), input.subarray(from, from + 1 + below(random, 64)));
  },
  (input, random, corpus) => {
    const other = random.pick(corpus);
    const from = at(other, random);
    return insert(input, at(input, random), other.subarray(from, from + 1 + below(random, 128)));
  },
  (input, random, corpus) => {
    const other = random.pick(corpus);
    return Buffer.concat([input.subarray(0, at(input, random)), other.subarray(at(other, random))]);
  },
  // A digit more.
  (input, random) => insert(input, at(input, random), Buffer.from(String(below(random, 10)))),
];

const insert = (input: Buffer, place: number, part: Buffer) =>
  Buffer.concat([input.subarray(0, place), part, input.subarray(place)]);

/** Changes an input once or a few times. */
export function mutate(input: Buffer, random: Random, corpus: readonly Buffer[]): Buffer {
  let changed = input;
  for (let times = 1 + below(random, 4); times > 0; times--) {
    changed = random.pick(mutations)(changed, random, corpus);
  }
  return changed.subarray(0, MAX_BYTES);
}
