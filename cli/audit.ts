import { userInfo } from "node:os";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { printError } from "../local/terminal.ts";
import { makeDynamoAudit } from "../shared/adapters/dynamo/dynamo-audit.ts";
import { randomHex } from "../shared/adapters/random-hex.ts";
import { outputOf, type StackTarget } from "../shared/composition/administration.ts";
import { type AuditedChange, idsIn, makeAudited } from "../shared/core/audit/audit.ts";
import type { OptionValues } from "./options.ts";

/** A command may take long, such as an erasure: a record without an outcome is published after this (real time). */
const AWAIT_OUTCOME_MS = 24 * 60 * 60 * 1_000;

/** The options whose values an audit record shows: ids and settings, and no secret and no file. */
const shown = [
  ...["account", "connection", "key", "provider", "queue", "name", "status", "signature"],
  ...[
    "hash-forms",
    "allow-unbound-jwt",
    "verify-by-fetch",
    "overlap-hours",
    "scope",
    "expires",
    "message",
  ],
  ...["pace", "preset", "hours", "warm-up", "limit"],
];

/** What the record of a command says. */
interface Audit {
  /** Its words, such as `clients create`. */
  command: string;
  values: OptionValues;
  /** What the values do not say. */
  details?: NonNullable<AuditedChange["details"]>;
  /** The members of the result that are ids of what it creates. */
  creates?: readonly string[] | undefined;
}

/**
 * Runs a command that changes something, with an audit record as of the operator API: stored
 * before the change. `reconcile` publishes it, because only functions of the stack may.
 *
 * @throws Error when the record cannot be stored, and nothing was changed; what the command throws
 */
export function runAudited<Result>(
  target: StackTarget,
  of: Audit,
  run: () => Promise<Result>,
): Promise<Result> {
  const { client: clientId, why } = of.values;
  const clock = { realMs: Date.now, businessMs: target.nowMs ?? Date.now };
  const audited = makeAudited({
    audit: makeDynamoAudit({
      client: DynamoDBDocumentClient.from(new DynamoDBClient(target.aws)),
      tableName: outputOf(target, "AuditTableName"),
      clock,
    }),
    ...{ clock, randomHex },
    awaitOutcomeMs: AWAIT_OUTCOME_MS,
    onNonFatalError: (error) => printError(String(error)),
  });
  const named = shown.flatMap((name) => {
    const value = of.values[name];
    return value === undefined || value === false ? [] : [[name, String(value)]];
  });
  return audited(
    {
      who: `cli:${userInfo().username}`,
      action: of.command,
      target: Object.fromEntries(named),
      ...(typeof clientId === "string" ? { clientId } : {}),
      ...(of.details === undefined ? {} : { details: of.details }),
      ...(typeof why === "string" ? { why } : {}),
    },
    run,
    (result) => idsIn(result, of.creates ?? []),
  );
}
