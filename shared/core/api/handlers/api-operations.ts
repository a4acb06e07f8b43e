import type * as z from "zod/mini";
import type { OperationId, operations } from "../../../contracts/http/operations.ts";

type Contract = typeof operations;

/** What one operation is called with, checked by its contract. */
export interface ApiInput<Id extends OperationId> {
  clientId: string;
  /** The account that the caller's token names; empty where the protocol has no such token. */
  accountId: string;
  /** Only for operations that take one. */
  idempotencyKey?: string | undefined;
  origin: string;
  params: z.output<Contract[Id]["params"]>;
  query: z.output<Contract[Id]["query"]>;
  body: Contract[Id] extends { body: infer Body extends z.ZodMiniType } ? z.output<Body> : unknown;
}

/** Each gives its answer's JSON text, or nothing where there is none to give. */
export type ApiHandlers = {
  [Id in OperationId]: (input: ApiInput<Id>) => Promise<string | undefined>;
};
