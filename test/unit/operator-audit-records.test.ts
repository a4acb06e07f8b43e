import { expect, test } from "vitest";
import { operatorOperations } from "../../shared/contracts/http/operator/operations.ts";
import { auditedChange } from "../../shared/core/operator/serve-operator.ts";

const anna = { kind: "operator", keyId: "op1", name: "Anna", scope: "admin" } as const;
const link = { kind: "portal", clientId: "cl_1", expiresMs: 1 } as const;
const { pauseConnection, changeConnectionSettings, setConnectionCredentials, resendDelivery } =
  operatorOperations;

test("An audit record names the key of the operator, the operation and what it is about", () => {
  const of = { params: { connectionId: "cn_1" }, body: {} };
  expect(auditedChange(pauseConnection, anna, of)).toStrictEqual({
    who: "operator:op1",
    whoName: "Anna",
    action: "pauseConnection",
    target: { connectionId: "cn_1" },
  });
});

test("An audit record of a portal link names its client, and no name of a key", () => {
  const of = { params: { id: "dl_1" }, body: {}, clientId: undefined };
  expect(auditedChange(resendDelivery, link, of)).toStrictEqual({
    who: "portal:cl_1",
    action: "resendDelivery",
    target: { id: "dl_1" },
  });
});

test("An audit record has the audited members of the body as they are, and its client", () => {
  const body = {
    ...{ signature: "quarantine", hashForms: ["raw"], allowUnboundJwt: false },
    ...{ verifyByFetch: undefined, more: "not audited", why: "they rotate" },
  };
  const of = { params: { connectionId: "cn_1" }, body, clientId: "cl_1" };
  expect(auditedChange(changeConnectionSettings, anna, of)).toStrictEqual({
    who: "operator:op1",
    whoName: "Anna",
    action: "changeConnectionSettings",
    target: { connectionId: "cn_1" },
    clientId: "cl_1",
    details: { signature: "quarantine", hashForms: ["raw"], allowUnboundJwt: false },
    why: "they rotate",
  });
});

test("An audit record has no details where none is audited, and only a text as reason", () => {
  const body = { credentials: { "x-api-key": "hidden" }, why: 5 };
  const of = { params: { connectionId: "cn_1" }, body };
  expect(auditedChange(setConnectionCredentials, anna, of)).toStrictEqual({
    who: "operator:op1",
    whoName: "Anna",
    action: "setConnectionCredentials",
    target: { connectionId: "cn_1" },
  });
});

test.each<[keyof typeof operatorOperations, string[]]>([
  ["createClient", ["name"]],
  ["createClientKey", ["scopes", "expiresAt"]],
  ["createOperatorKey", ["name", "scope", "expiresAt"]],
  ["resolveRequest", ["as", "providerRequestId"]],
  ["recoverDeliveries", ["since", "until", "eventTypes"]],
  ["rotateConnectionSecret", ["overlapHours"]],
])("The audit record of %s has the details that its contract names", (id, names) => {
  const body = Object.fromEntries([...names, "webhookSecret", "secret"].map((name) => [name, 1]));
  const { details } = auditedChange(operatorOperations[id], anna, { params: {}, body });
  expect(details).toStrictEqual(Object.fromEntries(names.map((name) => [name, 1])));
});
