import { writeFileSync } from "node:fs";
import { serialize } from "node:v8";
import { simulate } from "./simulate.ts";

/** A command of the document client: the name of its class without a package, and its input. */
type RecordedCommand = [name: string, input: Record<string, unknown>];

/** What the simulated DynamoDB has carried out for one seed. */
export interface Recorded {
  seed: number;
  commands: RecordedCommand[];
}

/** Writes the commands that the simulated DynamoDB carries out, by seed. @returns the exit code */
export async function recordCommands(file: string, first: number, count: number): Promise<number> {
  const recorded: Recorded[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const commands: RecordedCommand[] = [];
    const onDynamoDbCommand = (name: string, input: unknown) =>
      commands.push([name, input as Record<string, unknown>]);
    await simulate({ seed, onDynamoDbCommand });
    recorded.push({ seed, commands });
  }
  writeFileSync(file, serialize(recorded));
  return 0;
}
