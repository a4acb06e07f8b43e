import { describe, expect, test } from "vitest";
import {
  callsIn,
  handlingOf,
  nodeClientCalls,
  pythonClientCalls,
} from "../../docs/linked-api-calls.ts";

describe("The calls of Linked API's official clients", () => {
  test("Each call of the installed @linkedapi/node is served or passed to Linked API", () => {
    const { calls } = nodeClientCalls();
    expect(calls.length).toBeGreaterThanOrEqual(24);
    expect(calls.filter((call) => handlingOf(call) === undefined)).toEqual([]);
  });

  test("Each call of the listed version of linkedapi (PyPI) is served or passed to Linked API", () => {
    expect(pythonClientCalls.calls.length).toBeGreaterThanOrEqual(40);
    expect(pythonClientCalls.calls.filter((call) => handlingOf(call) === undefined)).toEqual([]);
  });

  test("Calls on workflows, webhooks and limits are served, all others are passed to Linked API", () => {
    expect(handlingOf("POST /workflows")).toBe("served");
    expect(handlingOf("POST /admin/webhook.setEvents")).toBe("served");
    expect(handlingOf("POST /admin/limits.set")).toBe("served");
    expect(handlingOf("POST /admin/accounts.getAll")).toBe("passed to Linked API");
    expect(handlingOf("GET /account")).toBe("passed to Linked API");
  });
});

describe("The extraction of calls from sources", () => {
  test.each([
    [
      "JavaScript",
      "await this.httpClient.post('/admin/new.call', params);",
      "POST /admin/new.call",
    ],
    ["JavaScript", `client.get(\`/stats/new?\${query.toString()}\`)`, "GET /stats/new"],
    ["JavaScript", `c.delete(\`/workflows/\${workflowId}\`)`, "DELETE /workflows/{}"],
    [
      "Python",
      'self._post_result(\n    "/admin/new.call", Model, "Failed")',
      "POST /admin/new.call",
    ],
    ["Python", 'self.http_client.get(f"/workflows/{workflow_id}")', "GET /workflows/{}"],
  ] as const)("%s: %j is a call", (language, source, call) => {
    expect(callsIn([source], language)).toEqual([call]);
    expect(call.includes("new") ? handlingOf(call) : undefined).toBeUndefined();
  });

  test.each([
    ["JavaScript", "const path = '/admin/new.call';"],
    ["Python", 'PATH = "/inbox/new"'],
  ] as const)("%s: %j is refused, because no call has this path", (language, source) => {
    expect(() => callsIn([source], language)).toThrow("is in no known call");
  });
});
