import { makeHandler as makeApi } from "../../functions/api/make-handler.ts";
import { makeHandler as makeConsume } from "../../functions/consume/make-handler.ts";
import { makeHandler as makeDeliver } from "../../functions/deliver/make-handler.ts";
import { makeHandler as makeIngest } from "../../functions/ingest/make-handler.ts";
import { makeHandler as makeReconcile } from "../../functions/reconcile/make-handler.ts";
import { makeHandler as makeSubmit } from "../../functions/submit/make-handler.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";

/** The variables of all functions in one: each reads its own. */
export type Environment = ParsedEnvironment<"operator"> &
  ParsedEnvironment<"deliver"> &
  ParsedEnvironment<"submit">;

export type Handler = (event: never, context: never) => Promise<unknown>;

export type ColdStarts = Readonly<
  Record<string, (env: Environment, telemetry: Telemetry) => Handler>
>;

/** Makes the handler of each function of today's code. */
const coldStarts: ColdStarts = {
  api: makeApi,
  consume: makeConsume,
  deliver: (env, telemetry) => makeDeliver(env, telemetry, undefined),
  ingest: makeIngest,
  reconcile: makeReconcile,
  submit: makeSubmit,
};

const deployed: ColdStarts[] = [coldStarts];

/** The versions of the code that are deployed at once: each execution environment starts with one. */
export const versions: readonly ColdStarts[] = deployed;

/** Deploys another version beside today's, for every run of this process. */
export function addVersion(version: ColdStarts): void {
  deployed.push(version);
}
