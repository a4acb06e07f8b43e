import { auditOperations } from "./audit.ts";
import { clientOperations } from "./clients.ts";
import { connectionOperations } from "./connections.ts";
import { deadLetterOperations } from "./dead-letters.ts";
import { deliveryOperations } from "./deliveries.ts";
import { findOperations } from "./find.ts";
import type { OperatorOperation } from "./operation.ts";
import { overviewOperations } from "./overview.ts";
import { requestOperations } from "./requests.ts";

/** Every operation of the operator API, by its id. All paths begin with `/v1/operator/`. */
export const operatorOperations = {
  ...overviewOperations,
  ...findOperations,
  ...requestOperations,
  ...deliveryOperations,
  ...connectionOperations,
  ...clientOperations,
  ...deadLetterOperations,
  ...auditOperations,
} as const satisfies Record<string, OperatorOperation>;

export const operatorOperationList: readonly OperatorOperation[] =
  Object.values(operatorOperations);
