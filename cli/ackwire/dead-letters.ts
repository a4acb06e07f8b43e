import { writeFileSync } from "node:fs";
import { callOperation } from "./call-operation.ts";
import { type Command, optionalTextOf, textOf, UsageError } from "./command.ts";
import type { Place } from "./place.ts";

interface DeadLetter {
  messageId: string;
  body: string;
}

const message = [
  { name: "queue", describe: "Its name, which `ackwire dlq` lists" },
  { name: "messageId", describe: "The message's id, which `ackwire dlq show QUEUE` lists" },
] as const;

/** `dlq save` and `dlq drop`: the bytes of a dead letter go to a file before they are deleted. */
export const deadLetterCommands: readonly Command[] = [
  {
    words: "dlq save",
    summary: "Writes the body of a dead letter to a new file; it stays in its queue",
    positionals: [...message, { name: "file" }],
    options: {},
    examples: ["dlq save inbound MESSAGE_ID letter.json"],
    async run(values, place) {
      const saved = await save(await place(), values, textOf(values, "file"));
      return { data: saved, lines: () => [`${saved.bytes} bytes are in ${saved.file}.`] };
    },
  },
  {
    words: "dlq drop",
    summary: "Deletes a dead letter for good, after its body was written to a file",
    positionals: message,
    options: {
      to: { type: "string", describe: "The new file for its body" },
      "without-copy": { type: "boolean", describe: "Keep no copy of its body" },
      why: { type: "string", describe: "Why, in a sentence: kept in the audit record" },
    },
    examples: ['dlq drop inbound MESSAGE_ID --to letter.json --why "its client is gone"'],
    async run(values, place) {
      const file = optionalTextOf(values, "to");
      if ((file === undefined) === (values["without-copy"] !== true)) {
        throw new UsageError(
          "Give --to FILE, or --without-copy: a dropped message is gone for good",
        );
      }
      const there = await place();
      if (file !== undefined) await save(there, values, file);
      const { queue, messageId, why } = values;
      const data = await callOperation(there, "dropDeadLetter", { queue, messageId, why });
      const copy = file === undefined ? "" : ` Its body is in ${file}.`;
      return { data, lines: () => [`The message ${messageId} is deleted.${copy}`] };
    },
  },
];

/** @throws Error when the file exists already */
async function save(
  place: Place,
  { queue, messageId }: Readonly<Record<string, unknown>>,
  file: string,
) {
  const letter = await callOperation(place, "getDeadLetter", { queue, messageId });
  const { body } = letter as DeadLetter;
  writeFileSync(file, body, { mode: 0o600, flag: "wx" });
  return { messageId, file, bytes: Buffer.byteLength(body) };
}
