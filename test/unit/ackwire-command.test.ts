import { describe, expect, test } from "vitest";
import { CallFailure } from "../../cli/ackwire/call-api.ts";
import { UsageError } from "../../cli/ackwire/command.ts";
import { readCommandLine } from "../../cli/ackwire/command-line.ts";
import { commands } from "../../cli/ackwire/commands.ts";
import { clockFinding, connectionFinding, differencesOf } from "../../cli/ackwire/doctor.ts";
import { type FeedOffset, offsetAfter } from "../../cli/ackwire/event-feed.ts";
import { bodyOf } from "../../cli/ackwire/forward.ts";
import { shownAnswer } from "../../cli/ackwire/from-operation.ts";
import { receiverUrl } from "../../cli/ackwire/listen.ts";
import { toolsOf } from "../../cli/ackwire/mcp-tools.ts";
import { operationCommands } from "../../cli/ackwire/operation-commands.ts";
import { stackOf } from "../../cli/ackwire/place.ts";
import { membersTable, tableOf } from "../../cli/ackwire/table.ts";
import { sampleOf } from "../../cli/ackwire/trigger.ts";
import { outputsOf } from "../../cli/target.ts";
import { eventSamples } from "../../local/simulator/event-samples.ts";
import { deliverableTypes } from "../../shared/contracts/events.ts";
import { operatorOperationList } from "../../shared/contracts/http/operator/operations.ts";
import { logMessages } from "../../shared/contracts/log-messages.ts";
import { metrics } from "../../shared/contracts/metrics.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";

const read = (line: string) => readCommandLine(line.split(" "), commands);

async function chosen(line: string) {
  const found = await read(line);
  if ("text" in found) throw new Error(found.text);
  return { words: found.command.words, values: found.values };
}

describe("the command line", () => {
  test("The first word alone lists, and a second word chooses another command", async () => {
    expect((await chosen("requests --status FAILED")).words).toBe("requests list");
    const show = await chosen("requests show rq_1 --json");
    expect(show).toMatchObject({
      words: "requests show",
      values: { requestId: "rq_1", json: true },
    });
  });

  test("A missing argument is named", async () => {
    await expect(read("quarantine list --client cl_1")).rejects.toThrow(
      "0 of 1 are there: ackwire quarantine list <connectionId>",
    );
  });

  test("An id of digits stays a text", async () => {
    const { values } = await chosen("budget 0123456789012345678901 --client 12");
    expect(values).toMatchObject({ accountId: "0123456789012345678901", client: "12" });
  });

  test.each([
    ["requsts", "Did you mean requests?"],
    ["requests list --statu FAILED", "statu"],
    ["requests list --status DONE", "Invalid values"],
    ["find", "missing"],
    ["keys create extra", "extra"],
    ["operator-keys create --name me", "scope"],
    ["", "Name a command"],
  ])("%j is refused with a text that says why", async (line, why) => {
    const error = await readCommandLine(line.split(" ").filter(Boolean), commands).catch((e) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(why);
  });

  test("Each command has a help with its summary and an example", async () => {
    for (const { words, examples, passesOptions } of commands) {
      if (passesOptions) continue;
      const found = await read(`${words} --help`);
      expect(found, words).toHaveProperty("text");
      const { text } = found as { text: string };
      expect(text, words).toContain(`ackwire ${examples[0]}`.slice(0, 40));
    }
  });

  test("The examples of logs and counted name a function, a message and a metric that exist", () => {
    const exampleOf = (words: string) =>
      commands.find((one) => one.words === words)?.examples[0] ?? "";
    // The function's name has a capital, as in the names of its resources.
    const logs = /^logs --function Ingest --pattern '\{ \$\.message = "([^"]*)" \}'$/;
    const counted = /^counted --function Ingest --metric (\w+)$/;
    expect(Object.values(logMessages)).toContain(logs.exec(exampleOf("logs"))?.[1]);
    expect(Object.keys(metrics)).toContain(counted.exec(exampleOf("counted"))?.[1]);
  });

  test("The command accounts set takes the provider of an account that two providers have", async () => {
    const line = "accounts set --client cl_1 --account a1 --provider we-link --pace 20-60";
    expect((await chosen(line)).values).toMatchObject({ account: "a1", provider: "we-link" });
  });

  test("The local run takes the options of npm start as they are", async () => {
    expect(await chosen("dev --speed 60 --no-demo")).toMatchObject({
      words: "dev",
      values: { passed: ["--speed", "60", "--no-demo"] },
    });
  });

  test("A stage is a stack, and no local run", () => {
    expect(stackOf({ stage: "prod" })).toBe("ackwire-prod");
    expect(stackOf({ stack: "theirs" })).toBe("theirs");
    expect(stackOf({ stage: "local" })).toBeUndefined();
    expect(stackOf({})).toBeUndefined();
    expect(() => stackOf({ local: true, stage: "prod" })).toThrow(UsageError);
    expect(() => stackOf({ stack: "a", stage: "prod" })).toThrow(UsageError);
  });
});

test("Every operation of the operator API has a command, or one that does the same with files", () => {
  const called = operationCommands.flatMap((one) => [one.operation, one.operationOfOne ?? ""]);
  const elsewhere = [
    ...["getMe", "getOverview", "getDeadLetter", "dropDeadLetter"],
    // With secrets from files, by the use cases of the admin command.
    ...["changeConnectionSettings", "setConnectionCredentials", "rotateConnectionSecret"],
    ...["listOperatorKeys", "createOperatorKey", "revokeOperatorKey"],
  ];
  const ids = operatorOperationList.map(({ operationId }) => operationId);
  expect(ids.filter((id) => ![...called, ...elsewhere].includes(id))).toEqual([]);
});

describe("tables", () => {
  const rows = [
    {
      id: "rq_1",
      at: "2026-12-01T00:00:00.123Z",
      why: "it waits for its turn",
      is: { open: true },
    },
    { id: "rq_22", why: "a\u001b[31mred" },
  ];

  test("Columns without a value are left out, and control characters do not reach a terminal", () => {
    expect(tableOf(rows, ["id", "at", "gone", "is.open", "why"])).toEqual([
      "ID     AT                    OPEN  WHY",
      "rq_1   2026-12-01T00:00:00Z  yes   it waits for its turn",
      "rq_22                              a [31mred",
    ]);
    expect(tableOf([], ["id"])).toEqual(["(none)"]);
  });

  test("A narrow terminal cuts sentences, and no id", () => {
    const lines = tableOf(
      [{ id: "an-id-that-is-copied-whole", why: "many words of prose here" }],
      ["id", "why"],
      40,
    );
    expect(lines[1]).toBe("an-id-that-is-copied-whole  many words …");
  });

  test("One record has a line for each member", () => {
    expect(membersTable({ id: "a", error: { code: "B" } })).toEqual([
      "id          a",
      "error.code  B",
    ]);
  });

  test("A list with a further page says how to get it", () => {
    const { lines } = shownAnswer({ items: [{ id: "a" }], nextCursor: "c1" }, { columns: ["id"] });
    expect(lines()).toEqual(["ID", "a", "", "There are more: --cursor c1"]);
  });

  test("A list of which not all was looked at says so", () => {
    const linesOf = (isComplete: boolean) =>
      shownAnswer({ items: [{ id: "a" }], isComplete }, { columns: ["id"] }).lines();
    expect(linesOf(true)).toEqual(["ID", "a"]);
    expect(linesOf(false)).toEqual(["ID", "a", "", "There may be more: not all was looked at."]);
  });
});

describe("the offset of a feed", () => {
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  const taking = (offset: FeedOffset, id: string, second: number) =>
    offsetAfter(offset, { id, listedAt: at(second) }, 10_000);

  test("It never goes back, and remembers what the next look lists again", () => {
    const first = taking({ from: at(0), taken: {} }, "a", 20);
    const late = taking(first, "b", 15);
    expect(late).toEqual({ from: at(0), since: at(20), taken: { a: at(20), b: at(15) } });
    expect(taking(late, "c", 28)).toEqual({
      from: at(0),
      since: at(28),
      taken: { a: at(20), c: at(28) },
    });
  });
});

test("The body of a forwarded event has the members of a webhook in their order, and no others", () => {
  const event = {
    clientId: "cl_1",
    listedAt: "l",
    publishedAt: "p",
    id: "i",
    type: "webhook.test",
    createdAt: "c",
    data: { provider: "p" },
  };
  expect(bodyOf(event)).toBe(
    '{"id":"i","type":"webhook.test","createdAt":"c","data":{"provider":"p"}}',
  );
});

test.each([
  ["3000", "http://127.0.0.1:3000/"],
  ["https://example.com/hooks", "https://example.com/hooks"],
])("The receiver %s is %s", (receiver, url) => expect(receiverUrl(receiver)).toBe(url));

test.each(["0", "70000", "localhost:3000", "ftp://a"])("The receiver %s is refused", (receiver) => {
  expect(() => receiverUrl(receiver)).toThrow(UsageError);
});

describe("samples to trigger", () => {
  test.each(eventSamples.map((sample) => [sample.provider, sample.name, sample] as const))(
    "%s %s becomes an event of its type, with its id",
    (provider, _name, sample) => {
      const body = sample.body({ id: "own-1", accountId: "acc-1", now: "2026-12-01T00:00:00Z" });
      const event = providerPacks[provider].parseWebhook(webhookOf(body));
      expect(event.type).toBe(sample.type);
      expect(JSON.stringify(event)).toContain("own-1");
    },
  );

  test("There is one for each type that a provider's webhook alone can make", () => {
    const types = new Set<string>(eventSamples.map(({ type }) => type));
    // It needs a request that has ended before.
    expect(deliverableTypes.filter((type) => !types.has(type))).toEqual(["workflow.lateResult"]);
  });

  test("A type and a provider's own name choose one; another is refused with the list", () => {
    expect(sampleOf("Message.Reply").type).toBe("message.reply");
    expect(sampleOf("inbox.messageSent").type).toBe("message.sent");
    expect(() => sampleOf("message.lost")).toThrow(/there are .*message\.reply/);
  });
});

describe("doctor", () => {
  test("It names what a deployment from the stage's file would change", () => {
    const deployed = [
      { name: "paceMinSeconds", value: 30, isDefault: true },
      { name: "paceMaxSeconds", value: 120, isDefault: false },
      { name: "requestRetentionDays", value: 60, isDefault: false },
    ];
    expect(
      differencesOf(deployed, { settings: { requestRetentionDays: "60" }, paceMinSeconds: 45 }),
    ).toEqual([
      "paceMinSeconds is 30; the file says 45: deploy it",
      "paceMaxSeconds is 120; the file has none, so the next deployment sets the default",
    ]);
  });

  test("A clock that is more than a minute off is a failure", () => {
    const date = "Tue, 01 Dec 2026 00:00:00 GMT";
    expect(clockFinding(date, Date.parse(date) + 59_000).outcome).toBe("ok");
    expect(clockFinding(date, Date.parse(date) - 61_000)).toMatchObject({ outcome: "failed" });
  });

  test("A connection says what keeps it from working, and the command that mends it", () => {
    const sound = {
      connectionId: "cn_1",
      provider: "p",
      clientId: "cl_1",
      status: "active",
      hasCredentials: true,
      signature: "enforce",
    };
    expect(connectionFinding(sound).outcome).toBe("ok");
    const { outcome, found } = connectionFinding({ ...sound, hasCredentials: false });
    expect(outcome).toBe("warning");
    expect(found).toContain("connections set --client cl_1 --connection cn_1 --credentials-file");
  });
});

describe("tools", () => {
  const reads = toolsOf(["operator", "client"], false);
  const all = toolsOf(["operator", "client"], true);

  test("Without writes there are only the operations that read", () => {
    expect(reads.every(({ method }) => method === "GET")).toBe(true);
    expect(all.length).toBeGreaterThan(reads.length);
    expect(all.filter(({ isRead }) => isRead)).toEqual(reads);
  });

  test("Each operation of both documents is a tool, but those of the providers' protocols", () => {
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { operationId } of operatorOperationList) {
      expect(names).toContain(`operator_${operationId}`);
    }
    expect(names).toContain("client_createRequest");
    expect(all.some(({ path }) => !path.startsWith("/v1/"))).toBe(false);
  });

  test("A tool's schema contains all that it refers to", () => {
    for (const { name, inputSchema } of all) {
      const text = JSON.stringify(inputSchema);
      expect(text, name).not.toContain("#/components/");
      for (const [, referred = ""] of text.matchAll(/"#\/\$defs\/([^"]+)"/g)) {
        expect(Object.keys(inputSchema.$defs ?? {}), name).toContain(referred);
      }
    }
  });
});

test("A failure of a call is an error with a status and a code", () => {
  const failure = new CallFailure("no", { status: 404, code: "NOT_FOUND" });
  expect(failure).toMatchObject({ status: 404, code: "NOT_FOUND", message: "no" });
});

describe("the outputs of a stack", () => {
  const main = { ApiUrl: "https://a", BusName: "a" };
  const orders = { OrdersApiUrl: "https://b", OrdersBusName: "b" };

  test("The construct Ackwire is found without a name, also beside others", () => {
    expect(outputsOf({ ...main, ...orders }, { stack: "s" })).toMatchObject(main);
  });

  test("The only construct is found by whatever name it has", () => {
    expect(outputsOf(orders, { stack: "s" })).toEqual({ ApiUrl: "https://b", BusName: "b" });
  });

  test("One of several is chosen by its name", () => {
    const of = { stack: "s", construct: "Orders" };
    expect(outputsOf({ ...main, ...orders }, of)).toMatchObject({ BusName: "b" });
  });

  test("Without a choice between several, or with a wrong one, the error names them", () => {
    const several = { ...orders, ShopApiUrl: "https://c" };
    expect(() => outputsOf(several, { stack: "s" })).toThrow("Orders, Shop: choose one with");
    expect(() => outputsOf(main, { stack: "s", construct: "X" })).toThrow("Ackwire: choose one");
    expect(() => outputsOf({}, { stack: "s" })).toThrow("The stack s has no output ApiUrl");
  });
});
