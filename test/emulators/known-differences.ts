import { beforeEach } from "vitest";

/** docs/emulators.md has each of these, with AWS's documentation. */
interface KnownDifferences {
  /** Tests of our contract suites that the emulator cannot pass, with the reason. */
  tests?: readonly [reason: string, titles: RegExp][];
  /** Random commands that it answers otherwise than AWS does, by what is written in them. */
  commands?: readonly [reason: string, command: RegExp][];
}

const all: Record<string, KnownDifferences> = {
  elasticmq: {
    commands: [
      [
        "an empty value, a wait and a number of messages out of range have another code",
        /"WaitTimeSeconds":21|"MaxNumberOfMessages"|Value":""/,
      ],
      ["an empty body and a control character have another code", /"MessageBody":"(\\u0001)?"/],
      ["a visibility timeout out of range is accepted", /43201|"seconds":-1/],
      ["an empty batch is accepted", /"(entries|of)":\[\]/],
      ["an entry's id may have any character", /no id!/],
      [
        "ids that are not distinct are found after other mistakes",
        /"sendBatch".*"DataType":"Other"/,
      ],
    ],
  },
  moto: {
    tests: [
      [
        "moto applies concurrent conditional writes of which one must fail",
        /concurrent|at the same time|of two writers/,
      ],
      [
        "moto returns only projected attributes for Select ALL_ATTRIBUTES of a local index",
        /^(a request is read as it was written|a lane's head is|a request that was taken and holds|the scheduled requests of a lane are listed|the first waiting login)/,
      ],
    ],
    commands: [
      ["numbers are not normalised, and any text is one", /"N":"(1e2|0\.10|one)"/],
      ["UPDATED_NEW returns the key too", /UPDATED_NEW/],
      ["an empty set and an empty batch are accepted", /"SS":\[\]|"(Keys|differential)":\[\]/],
      [
        "a batch may put and delete one item",
        /"BatchWriteItem".*PutRequest.*DeleteRequest|"BatchWriteItem".*DeleteRequest.*PutRequest/,
      ],
      ["the size of a missing attribute is an internal error", /size\(/],
    ],
  },
};

const known = all[process.env.ACKWIRE_EMULATOR ?? ""];

/** Whether AWS, the emulator and ours answer a command alike, as far as we know. */
export function isAnsweredAlike(command: object): boolean {
  const text = JSON.stringify(command);
  return !known?.commands?.some(([, one]) => one.test(text));
}

beforeEach(({ task, skip }) => {
  const [reason] = known?.tests?.find(([, titles]) => titles.test(task.name)) ?? [];
  if (reason !== undefined) skip(reason);
});
