import { existsSync, readFileSync } from "node:fs";
import type { LocalFile } from "../../local/run/local-file.ts";
import { outputOf, type StackTarget } from "../../shared/composition/administration.ts";
import type { targetOf } from "../target.ts";
import { makePortalKey } from "./portal-key.ts";
import { UsageError } from "./usage-error.ts";

/** The file that a local run writes, in the current folder. */
export const LOCAL_FILE = ".ackwire/local.json";

/** Where a command works: a local run, or a deployed stage. */
export interface Place {
  /** `local`, the name of the stack, or the host of the API. */
  name: string;
  apiUrl: string;
  /**
   * The key for the operator API: an operator's, or a token for the records of one client.
   *
   * @throws Error that says how to get one when there is none
   */
  operatorKey(): string | Promise<string>;
  /** `operatorKey` is for one client only. */
  isOfClient?: true;
  /** A client's key, where one is known. */
  apiKey?: string | undefined;
  /** What the local run wrote; absent: a deployed stage. */
  local?: LocalFile | undefined;
  /** The stack's outputs. */
  outputs: Readonly<Record<string, string>>;
  /** Where the use cases of the admin command work. */
  target(): Promise<StackTarget>;
}

export interface Where {
  /** `undefined`: not said, which is the local run unless `stack` is there. */
  local?: boolean | undefined;
  stage?: string | undefined;
  stack?: string | undefined;
  /** Which construct of the stack. */
  construct?: string | undefined;
}

/** The stack that `--stage` or `--stack` means; `undefined`: the local run. @throws UsageError */
export function stackOf({ local, stage, stack }: Where): string | undefined {
  if (stage !== undefined && stack !== undefined) {
    throw new UsageError("--stage and --stack are two names of one thing: give one of them");
  }
  if (local && (stage ?? stack) !== undefined) {
    throw new UsageError("--local is the local run: leave --stage and --stack out");
  }
  const name = stack ?? (stage === undefined ? undefined : `ackwire-${stage}`);
  return name === "ackwire-local" ? undefined : name;
}

/**
 * Finds a local run by its file, or a deployed stage by the outputs of its stack.
 *
 * @throws Error that says what to do when there is none
 */
export async function placeOf(where: Where, env = process.env): Promise<Place> {
  const stack = stackOf(where);
  const { ACKWIRE_OPERATOR_KEY: key, ACKWIRE_API_KEY: apiKey, ACKWIRE_API_URL } = env;
  if (stack === undefined) {
    const isNamed = where.local || !ACKWIRE_API_URL;
    return isNamed ? localPlace() : placeAt(ACKWIRE_API_URL, { key, apiKey });
  }
  const target = await openTarget({ local: false, stack, construct: where.construct });
  const apiUrl = (ACKWIRE_API_URL ?? outputOf(target, "ApiUrl")).replace(/\/$/, "");
  return {
    name: stack,
    apiUrl,
    apiKey,
    operatorKey: () => key ?? noOperatorKey(stack),
    outputs: target.outputs,
    target: async () => target,
  };
}

/** An API by its address alone: nobody's AWS credentials are used. */
function placeAt(
  address: string,
  { key, apiKey }: { key: string | undefined; apiKey: string | undefined },
): Place {
  const apiUrl = address.replace(/\/$/, "");
  const isOfClient = key === undefined && apiKey !== undefined;
  return {
    name: new URL(apiUrl).host,
    apiUrl,
    apiKey,
    operatorKey: isOfClient ? makePortalKey({ apiUrl, apiKey }) : () => key ?? noKey(),
    ...(isOfClient ? { isOfClient } : {}),
    outputs: {},
    target: async () => {
      throw new UsageError("This command works on the stack: name it with --stage or --stack");
    },
  };
}

function noKey(): never {
  throw new Error(
    "ACKWIRE_API_URL is set, and no key: set ACKWIRE_API_KEY to a client's key, or ACKWIRE_OPERATOR_KEY to an operator's",
  );
}

function localPlace(): Place {
  if (!existsSync(LOCAL_FILE)) {
    throw new Error(
      `There is no ${LOCAL_FILE} here: start a local run in this folder with \`ackwire dev\`, or name a stage with --stage`,
    );
  }
  const local = JSON.parse(readFileSync(LOCAL_FILE, "utf8")) as LocalFile;
  return {
    name: "local",
    apiUrl: local.apiUrl,
    apiKey: local.apiKey,
    operatorKey: () => local.operatorKey,
    local,
    outputs: local.outputs,
    target: () => openTarget({ local: true, stack: "" }),
  };
}

/** The AWS SDK is loaded only where it is needed: it takes longer than most commands. */
async function openTarget(of: Parameters<typeof targetOf>[0]): Promise<StackTarget> {
  const { targetOf: open } = await import("../target.ts");
  return open(of);
}

function noOperatorKey(stack: string): never {
  throw new Error(
    `ACKWIRE_OPERATOR_KEY is not set. Create a key with your AWS credentials and export it:
  ackwire operator-keys create --stack ${stack} --name me --scope operate`,
  );
}
