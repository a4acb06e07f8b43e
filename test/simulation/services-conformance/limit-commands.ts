import { type Command, type Input, MATCHED } from "./definitions.ts";

/** What one message, one batch of them, and one PutEvents may have in all. */
const MIB = 1_048_576;

/** A JSON text of so many bytes. */
const textOf = (bytes: number) => JSON.stringify("x".repeat(bytes - 2));

/** Commands at the limits of sizes, numbers and times, and just beyond them. */
export function limitCommands(): Command[] {
  const send = (input: Input): Command => ({
    name: "SendMessageCommand",
    input: { QueueUrl: "jobs", ...input },
  });
  const batch = (name: string, Entries: readonly Input[]): Command => ({
    name,
    input: { QueueUrl: "jobs", Entries },
  });
  const sendAll = (Entries: readonly Input[]) => batch("SendMessageBatchCommand", Entries);
  const message = (Id: string, bytes = 20): Input => ({ Id, MessageBody: textOf(bytes) });
  const many = <T>(count: number, make: (id: string) => T) =>
    Array.from({ length: count }, (_, n) => make(`e${n}`));
  const visibility = (Id: string): Input => ({ Id, ReceiptHandle: "none", VisibilityTimeout: 1 });
  const put = (Entries: readonly Input[]): Command => ({
    name: "PutEventsCommand",
    input: { Entries },
  });

  return [
    send({ MessageBody: textOf(MIB) }),
    send({ MessageBody: textOf(MIB + 1) }),
    // Half as many characters as bytes.
    send({ MessageBody: JSON.stringify("é".repeat(MIB / 2)) }),
    send({ MessageBody: textOf(21), DelaySeconds: 900 }),
    send({ MessageBody: textOf(22), DelaySeconds: 901 }),
    sendAll(many(10, message)),
    sendAll(many(11, message)),
    sendAll([]),
    sendAll([message("e0"), message("e0")]),
    sendAll([message("an id")]),
    sendAll([message("e".repeat(81))]),
    sendAll([message("e0", MIB / 2), message("e1", MIB / 2)]),
    sendAll([message("e0", MIB / 2), message("e1", MIB / 2 + 1)]),
    sendAll([message("e0"), { ...message("e1"), DelaySeconds: 901 }]),
    batch("ChangeMessageVisibilityBatchCommand", many(11, visibility)),
    batch("ChangeMessageVisibilityBatchCommand", []),
    batch("DeleteMessageBatchCommand", []),
    put(many(10, (id) => eventOf(id, MATCHED))),
    put(many(11, (id) => eventOf(id, MATCHED))),
    put([]),
    put(many(2, (id) => eventOf(id, UNMATCHED, MIB / 2))),
    put([eventOf("e0", UNMATCHED, MIB / 2), eventOf("e1", UNMATCHED, MIB / 2 + 1)]),
  ];
}

/** No queue gets such an event, which would be too large for a message. */
const UNMATCHED = "workflow.created";

/** @param bytes of the source, the type and the detail, as EventBridge counts them */
function eventOf(id: string, DetailType: string, bytes = 100): Input {
  const Source = "ackwire";
  const empty = JSON.stringify({ id, text: "" });
  const text = "x".repeat(bytes - Source.length - DetailType.length - empty.length);
  return { EventBusName: "bus", Source, DetailType, Detail: JSON.stringify({ id, text }) };
}
