import { callOperation, operationOf } from "./call-operation.ts";
import { type Command, type Option, type Shown, UsageError, type Values } from "./command.ts";
import type { Follow } from "./follow.ts";
import type { OperationCommand } from "./operation-commands.ts";
import { type Member, membersOf } from "./operation-members.ts";
import type { Place } from "./place.ts";
import { showProgress } from "./progress.ts";
import { membersTable, type Row, tableOf, valueAt } from "./table.ts";

/** The command of an operation, with the options that its contract names. */
export function commandOf(of: OperationCommand): Command {
  const operation = operationOf(of.operation);
  const members = membersOf(operation);
  const positionals = (of.positionals ?? []).map((text) => {
    const name = text.replace(/[[\]]/g, "");
    return { name, isOptional: text.startsWith("[") };
  });
  const optional = members.filter(({ name }) => !positionals.some((one) => one.name === name));
  return {
    words: of.words,
    summary: operation.summary,
    ...(of.isDefault ? { isDefault: true as const } : {}),
    positionals,
    options: {
      ...Object.fromEntries(optional.map((member) => [optionOf(member), settingsOf(member)])),
      ...(of.follow ? { wait } : {}),
    },
    examples: of.examples.map((example) => `${of.words} ${example}`.trim()),
    async run(values, place) {
      const input = inputOf([...positionals.map(({ name }) => name)], optional, values);
      const lastArgument = positionals.at(-1);
      const isOne = lastArgument?.isOptional && values[lastArgument.name] !== undefined;
      const name = isOne ? (of.operationOfOne ?? of.operation) : of.operation;
      const there = await place();
      const called = withOwnClient(there, members, input);
      const answer = await callOperation(there, name, called);
      const follow = isOne || values.wait === false ? undefined : of.follow;
      const shown = follow ? await followed(follow, answer, there, called) : answer;
      return shownAnswer(shown, isOne ? {} : of);
    },
  };
}

const wait: Option = {
  type: "boolean",
  default: true,
  describe: "Wait until the work is done; --no-wait returns at once",
};

async function followed(
  follow: Follow,
  answer: unknown,
  place: Place,
  input: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const progress = showProgress();
  try {
    return await follow(answer, { place, input, progress });
  } finally {
    progress.end();
  }
}

/** Shows the rows of an answer as a table; without columns its members, one a line. */
export function shownAnswer(
  answer: unknown,
  of: Pick<OperationCommand, "rows" | "columns">,
): Shown {
  const { columns, rows = "items" } = of;
  return {
    data: answer,
    lines(width) {
      if (columns === undefined) return membersTable((answer ?? {}) as Row, width);
      const { nextCursor, reason, isComplete } = answer as {
        nextCursor?: string;
        reason?: string;
        isComplete?: boolean;
      };
      const table = tableOf((valueAt(answer, rows) ?? []) as Row[], columns, width);
      const more = nextCursor === undefined ? [] : ["", `There are more: --cursor ${nextCursor}`];
      const missing = isComplete === false ? ["", "There may be more: not all was looked at."] : [];
      return [...table, ...(typeof reason === "string" ? [reason] : []), ...missing, ...more];
    },
  };
}

function inputOf(positionals: string[], members: readonly Member[], values: Values) {
  const named = members.map((member) => [member.name, values[optionOf(member)]]);
  return Object.fromEntries([...positionals.map((name) => [name, values[name]]), ...named]);
}

/** A local run has one client, unless its user made more: its id need not be said. */
function withOwnClient(
  { local }: Place,
  members: readonly Member[],
  input: Readonly<Record<string, unknown>>,
) {
  const needed = members.find((member) => member.in === "path" && input[member.name] === undefined);
  if (needed === undefined) return input;
  if (needed.name === "clientId" && local) return { ...input, clientId: local.clientId };
  throw new UsageError(`--${optionOf(needed)} is missing`);
}

/** `accountId` becomes `account`, `eventTypes` `event-types`. */
function optionOf({ name }: Member): string {
  const short = name.length > 2 ? name.replace(/Id$/, "") : name;
  const isOfAnother = /^provider(Request)?Id$/.test(name);
  return (isOfAnother ? name : short).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function settingsOf({ type, values, description, isRequired, in: where }: Member): Option {
  return {
    type: type === "boolean" ? "boolean" : type === "array" ? "array" : optionType(type),
    ...(values ? { choices: values } : {}),
    ...(description ? { describe: description } : {}),
    // A client of a path may be the local run's.
    ...(isRequired && where === "body" ? { demandOption: true } : {}),
    ...(type === "array" ? { string: true } : {}),
  };
}

const optionType = (type: string | undefined) =>
  type === "integer" || type === "number" ? "number" : "string";
