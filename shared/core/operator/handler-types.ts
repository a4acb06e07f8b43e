import type { HandlerAnswer, OperationInput } from "../../contracts/http/operation.ts";
import type { operatorOperations } from "../../contracts/http/operator/operations.ts";
import type { OperatorCaller } from "./authenticate-operator.ts";

type Operations = typeof operatorOperations;

/** What a handler gets: the validated input of its operation, and who calls. */
type Input<Id extends keyof Operations> = Pick<
  OperationInput<Operations[Id]>,
  "params" | "query" | "body" | "origin"
> & { caller: OperatorCaller };

/** One handler per operation of the operator API. */
export type OperatorHandlers = {
  [Id in keyof Operations]: (input: Input<Id>) => Promise<HandlerAnswer>;
};
