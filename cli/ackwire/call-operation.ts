import type { OperatorOperation } from "../../shared/contracts/http/operator/operation.ts";
import { operatorOperations } from "../../shared/contracts/http/operator/operations.ts";
import { callApi } from "./call-api.ts";
import { membersOf } from "./operation-members.ts";
import type { Place } from "./place.ts";

export type OperationName = keyof typeof operatorOperations;

export function operationOf(name: OperationName): OperatorOperation {
  return operatorOperations[name];
}

/**
 * Calls an operation of the operator API.
 *
 * @param input the values of path, query and body together, by their names in the contract
 * @throws CallFailure; UsageError when a value of the path is missing, `.` or `..`; Error when there
 *   is no key
 */
export function callOperation(
  place: Pick<Place, "apiUrl" | "operatorKey">,
  name: OperationName,
  input: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const { method, path } = operationOf(name);
  const members = membersOf(operationOf(name));
  const of = (where: string) =>
    Object.fromEntries(
      members
        .filter((member) => member.in === where && input[member.name] !== undefined)
        .map((member) => [member.name, input[member.name]]),
    );
  return callApi(
    { apiUrl: place.apiUrl, key: place.operatorKey, keyName: "ACKWIRE_OPERATOR_KEY" },
    {
      method,
      path,
      params: of("path"),
      query: of("query"),
      ...(method === "GET" ? {} : { body: of("body") }),
    },
  );
}
