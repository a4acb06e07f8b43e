import { expect, test } from "vitest";
import { operatorOperations } from "../../shared/contracts/http/operator/operations.ts";
import { auditedChange, idsInAnswer } from "../../shared/core/operator/serve-operator.ts";

const anna = { kind: "operator", keyId: "op1", name: "Anna", scope: "admin" } as const;
const link = { kind: "portal", clientId: "cl_1", expiresMs: 1 } as const;
const { pauseConnection, changeConnectionSettings, setConnectionCredentials } = operatorOperations;
const { moveWebhook, resendDelivery } = operatorOperations;

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

test.each([
  ["https://a:b@hooks.example.com:8443/a-secret?token=hidden", "https://hooks.example.com:8443"],
  ["HTTPS://Hooks.Example.com/a-secret", "https://hooks.example.com"],
])("The audit record of a webhook that is moved to %s has the origin %s alone", (url, origin) => {
  const of = { params: { clientId: "cl_1" }, body: { url, why: "they moved" }, clientId: "cl_1" };
  expect(auditedChange(moveWebhook, anna, of)).toStrictEqual({
    who: "operator:op1",
    whoName: "Anna",
    action: "moveWebhook",
    target: { clientId: "cl_1" },
    clientId: "cl_1",
    details: { urlOrigin: origin },
    why: "they moved",
  });
});

test.each(["no URL", "mailto:anna@example.com"])(
  "The audit record of a webhook that is moved to %s, which has no origin, has no details",
  (url) => {
    const of = { params: { clientId: "cl_1" }, body: { url } };
    expect(auditedChange(moveWebhook, anna, of)).not.toHaveProperty("details");
  },
);

test.each(["pauseAccount", "resumeAccount"] as const)(
  "The audit record of %s names the connection and the provider that chose the account",
  (id) => {
    const params = { clientId: "cl_1", accountId: "1234" };
    const query = { connectionId: "cn_1", provider: "we-link", limit: 5 };
    const { target } = auditedChange(operatorOperations[id], anna, { params, query, body: {} });
    expect(target).toStrictEqual({ ...params, connectionId: "cn_1", provider: "we-link" });
  },
);

test("The client of a query is no target of an audit record, which names it already", () => {
  const of = { params: { id: "dl_1" }, query: { clientId: "cl_1" }, body: {}, clientId: "cl_1" };
  const { target, clientId } = auditedChange(resendDelivery, link, of);
  expect({ target, clientId }).toStrictEqual({ target: { id: "dl_1" }, clientId: "cl_1" });
});

test.each([
  ["createClient", { clientId: "cl_2", name: "new" }, { clientId: "cl_2" }],
  ["createClientKey", { keyId: "key1", apiKey: "hidden" }, { keyId: "key1" }],
  ["createOperatorKey", { keyId: "op2", operatorKey: "hidden" }, { keyId: "op2" }],
] as const)("Of the answer of %s, the audit record gets the new id alone", (id, answer, ids) => {
  expect(idsInAnswer(operatorOperations[id], JSON.stringify(answer))).toStrictEqual(ids);
});

test.each([undefined, "{}", "[]", "no JSON", '{"keyId":5}'])(
  "An audit record gets no new id of the answer %j, which has none",
  (answer) => {
    expect(idsInAnswer(operatorOperations.createClientKey, answer)).toStrictEqual({});
  },
);
