import { canonicalJson, type JsonObject } from "../../core/json/json.ts";
import { type JsonEncoder, jsonEncoders, normalised } from "./json-encoders.ts";
import { hasFloats, type NumberFormatName, withNumbers } from "./number-formats.ts";

/** A text that the sender of a body can have signed. */
export interface SignedText {
  /** `raw`: the body's own text; `json` without and `python` with spaces after `,` and `:`. */
  form: "raw" | "json" | "python";
  /** Names the encoder, the order of members and the notation of numbers. */
  encoding: string;
  text: string;
}

/** A body without its signature. */
export interface UnsignedBody {
  text: string;
  /** The same, parsed; absent where a number in it is text, because its serialisation would be another. */
  value: JsonObject | undefined;
}

/** A usual body has far fewer different texts. */
export const MAX_SIGNED_TEXTS = 64;

/**
 * Characters that are written for one body: enough for all texts of a usual body, and for the
 * likely ones of the largest. Writing all numbers of a text in another notation costs
 * `COST_OF_NUMBERS` times the characters of the text.
 */
const MAX_WRITTEN_CHARACTERS = 1_200_000;
const COST_OF_NUMBERS = 4;

/**
 * Returns the different texts that a sender of this body can have signed, the likely
 * ones first, and at most `MAX_SIGNED_TEXTS`.
 *
 * It signs the text of its own JSON encoder, and may send that of another one. The
 * texts differ in white space, in the order of members, in which characters are
 * escaped and how, and in the notation of numbers.
 *
 * @param pinned the `encoding` of an earlier webhook of the same sender, tried first
 */
export function* signedTexts(body: UnsignedBody, pinned?: string): Generator<SignedText> {
  const seen = new Set<string>();
  const write = makeWriter(body);
  for (const signed of candidates(body, write, pinned)) {
    if (seen.has(signed.text)) continue;
    if (seen.add(signed.text).size > MAX_SIGNED_TEXTS) return;
    yield signed;
  }
}

function* candidates(
  body: UnsignedBody,
  write: ReturnType<typeof makeWriter>,
  pinned: string | undefined,
): Generator<SignedText> {
  const first = encodings.find(({ name }) => name === pinned);
  if (first) yield* write(first);
  yield { form: "raw", encoding: "raw", text: body.text };
  const normal = normalised(body.text);
  const isFloat = hasFloats(normal);
  for (const encoding of encodings) {
    const { encoder, numbers } = encoding;
    const mayDiffer = encoder.isAlwaysTried || encoder.differs.test(normal);
    if (mayDiffer && (isFloat || numbers === undefined)) yield* write(encoding);
  }
}

interface Encoding {
  name: string;
  encoder: JsonEncoder;
  /** The order of members: as they were sent, sorted, or sorted in the outermost object alone. */
  order: "sent" | "sorted" | "sorted-top";
  /** Absent: the notation of the body. */
  numbers?: NumberFormatName;
}

const encodings: readonly Encoding[] = [
  ...["plain", "python", "python-unicode"].flatMap((name) => inOrders(name, "sent", "sorted")),
  ...jsonEncoders.flatMap(({ name }) => inOrders(name, "sent", "sorted")),
  ...jsonEncoders.flatMap(({ name }) => inOrders(name, "sorted-top")),
  ...(["sent", "sorted", "sorted-top"] as const).flatMap((order) =>
    jsonEncoders.flatMap(({ name, numbers }) =>
      numbers.flatMap((notation) =>
        inOrders(name, order).map((encoding) => ({
          ...encoding,
          name: `${encoding.name} ${notation}`,
          numbers: notation,
        })),
      ),
    ),
  ),
];

function inOrders(name: string, ...ofMembers: Encoding["order"][]): Encoding[] {
  return jsonEncoders
    .filter((encoder) => encoder.name === name)
    .flatMap((encoder) => ofMembers.map((order) => ({ name: `${name} ${order}`, encoder, order })));
}

/** Returns a function that writes the body in an encoding, until too much has been written. */
function makeWriter(body: UnsignedBody) {
  let written = 0;
  const memo = new Map<string, string | undefined>();
  /** Makes a text once; `undefined` if it is not available. */
  function once(name: string, cost: number, make: () => string | undefined): string | undefined {
    if (memo.has(name)) return memo.get(name);
    written += cost * body.text.length;
    memo.set(name, written > MAX_WRITTEN_CHARACTERS ? undefined : make());
    return memo.get(name);
  }
  return function* write({ name, encoder, order, numbers }: Encoding): Generator<SignedText> {
    const inOrder = once(order, 1, () => textInOrder(body, order));
    const exact =
      inOrder === undefined || numbers === undefined
        ? inOrder
        : once(`${order} ${numbers}`, COST_OF_NUMBERS, () => withNumbers(inOrder, numbers));
    const text = exact === undefined ? undefined : once(name, 1, () => encoder.rewrite(exact));
    if (text !== undefined) yield { form: encoder.form, encoding: name, text };
  };
}

function textInOrder({ text, value }: UnsignedBody, order: Encoding["order"]): string | undefined {
  if (order === "sent") return normalised(text);
  if (value === undefined) return undefined;
  if (order === "sorted") return canonicalJson(value);
  const names = Object.keys(value).sort();
  const members = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(value[name])}`);
  return `{${members.join(",")}}`;
}
