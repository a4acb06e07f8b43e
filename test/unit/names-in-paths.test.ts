import { describe, expect, test } from "vitest";
import type * as z from "zod/mini";
import { accountOperations } from "../../shared/contracts/http/accounts.ts";
import { batchOperations } from "../../shared/contracts/http/batches.ts";
import { requestOperations as operatorOperations } from "../../shared/contracts/http/operator/requests.ts";
import { requestOperations } from "../../shared/contracts/http/requests.ts";
import { validate } from "../../shared/core/input/invalid-request.ts";
import { linkedApiLimitOperations } from "../../shared/providers/linked-api/dialect-limit-operations.ts";

const { createRequest, listRequests } = requestOperations;
const { createBatch, getGroup, cancelGroup } = batchOperations;
const { putAccount, getAccount, deleteAccount } = accountOperations;

const request = { provider: "we-link", accountId: "a", action: "connect", params: {} };

type Part = [what: string, schema: z.ZodMiniType, input: object];

/** API Gateway cuts a path at an encoded question mark: it leads to another account or group. */
describe("A name with a question mark", () => {
  test.each<Part>([
    ["The account of a new request", createRequest.body, { ...request, accountId: "a?b" }],
    ["The group of a new request", createRequest.body, { ...request, group: "who?" }],
    ["The group of a batch", createBatch.validatedBody, { requests: [request], group: "who?" }],
    ["An account that is registered", putAccount.params, { accountId: "a?b" }],
  ])("%s is refused when it has a question mark", (_, schema, input) => {
    const field = "group" in input ? "group" : "accountId";
    const message = "must not contain a question mark";
    expect(validate(schema, input).errors).toEqual([{ field, message }]);
  });

  test.each<Part>([
    ["Requests are listed", listRequests.query, { accountId: "a?b", group: "who?" }],
    ["An operator lists requests", operatorOperations.listRequests.query, { accountId: "a?b" }],
    ["An operator reads", operatorOperations.getAccount.params, { clientId: "c", accountId: "?" }],
    ["An account is read", getAccount.params, { accountId: "a?b" }],
    ["An account is deleted", deleteAccount.params, { accountId: "a?b" }],
    ["A group is read", getGroup.params, { group: "who?" }],
    ["A group is cancelled", cancelGroup.params, { group: "who?" }],
    ["Limits are read", linkedApiLimitOperations.linkedApiGetLimits.body, { accountId: "a?b" }],
  ])("%s by a name that was stored with a question mark", (_, schema, input) => {
    expect(validate(schema, input).errors).toEqual([]);
  });
});
