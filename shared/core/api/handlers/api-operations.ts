import type { OperationHandlers } from "../../../contracts/http/operation.ts";
import type { nativeOperations } from "../../../contracts/http/operations.ts";

/** The handlers of Ackwire's own operations; dialects bring theirs. */
export type ApiHandlers = OperationHandlers<typeof nativeOperations>;
