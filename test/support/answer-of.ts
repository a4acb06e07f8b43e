import type { OperatorHandler } from "../../shared/core/operator/serve-operator.ts";

/** What a handler of the operator API answers to these parts of its input. */
export async function answerOf(handler: OperatorHandler, input: object = {}) {
  return JSON.parse(String(await handler(input as never)));
}
