import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Follow,
  followRecovery,
  followRedrive,
  followRelease,
} from "../../cli/ackwire/follow.ts";
import type { Place } from "../../cli/ackwire/place.ts";
import { showProgress } from "../../cli/ackwire/progress.ts";

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

/** A server that answers each call with the next answer, and then always with the last. */
async function follow(how: Follow, input: Record<string, unknown>, answers: readonly unknown[]) {
  const [first, ...later] = answers;
  const paths: string[] = [];
  server = createServer((request, response) => {
    paths.push(`${request.method} ${request.url}`);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(later.length > 1 ? later.shift() : later[0]));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const place = {
    apiUrl: `http://127.0.0.1:${port}`,
    operatorKey: () => "key",
  } as Partial<Place> as Place;
  const said: string[] = [];
  const progress = { say: (text: string) => said.push(text), end: () => undefined };
  const sleep = async () => undefined;
  const result = await how(first, { place, input, progress, sleep });
  return { result, said, paths };
}

describe("followRecovery", () => {
  test("It asks until the recovery is done, and returns the last answer", async () => {
    const at = (status: string, examined: number) => ({
      ...{ recoveryId: "re_1", status, examined },
      ...{ recovered: examined - 1, skipped: 1 },
    });
    const { result, said, paths } = await follow(followRecovery, { clientId: "cl_1" }, [
      at("running", 1),
      at("running", 500),
      at("done", 700),
    ]);
    expect(result).toEqual(at("done", 700));
    expect(said).toEqual([
      "1 examined, 0 are sent again, 1 are not",
      "500 examined, 499 are sent again, 1 are not",
      "700 examined, 699 are sent again, 1 are not",
    ]);
    expect(paths[0]).toBe("GET /v1/operator/clients/cl_1/recoveries/re_1");
  });
});

describe("followRedrive", () => {
  const queues = (messages: number, inFlight = 0) => ({
    items: [{ queue: "inbound", messages, inFlight }],
  });

  test("It ends when the queue is empty, messages in flight included", async () => {
    const { result, said } = await follow(followRedrive, { queue: "inbound" }, [
      { queue: "inbound", messages: 7 },
      queues(7),
      queues(0, 3),
      queues(0),
    ]);
    expect(result).toEqual({ queue: "inbound", messages: 7 });
    expect(said.at(-1)).toBe("0 of 7 messages are left in inbound");
  });

  test("It fails with what to do when messages stay there", async () => {
    const answers = [{ queue: "inbound", messages: 2 }, queues(2), queues(1)];
    await expect(follow(followRedrive, { queue: "inbound" }, answers)).rejects.toThrow(
      "1 messages are still, or again, in inbound: `ackwire dlq show inbound` lists them",
    );
  });

  /** Their dead letters are moved in parts, each by a call. */
  const schedules = (messages: number, inFlight = 0) => ({
    items: [{ queue: "requestSchedule", messages, inFlight, maxRedriven: 500 }],
  });
  const moved = (messages: number) => ({ queue: "requestSchedule", messages });
  const input = { queue: "requestSchedule", why: "The role is mended" };
  const redrive = "POST /v1/operator/dead-letters/requestSchedule/redrive";

  test("It calls again where one call moves only some messages, and adds up what was moved", async () => {
    const answers = [
      ...[moved(500), schedules(1_000), moved(500)],
      ...[schedules(450, 50), moved(500), schedules(0)],
    ];
    const { result, said, paths } = await follow(followRedrive, input, answers);
    expect(result).toEqual(moved(1_500));
    expect(said).toEqual([
      "500 messages are moved, 1000 are left in requestSchedule",
      "1000 messages are moved, 500 are left in requestSchedule",
      "1500 messages are moved, 0 are left in requestSchedule",
    ]);
    expect(paths.filter((path) => path.startsWith("POST"))).toEqual([redrive, redrive]);
  });

  test("Messages that somebody looks at are moved when they can be received again", async () => {
    const { result, paths } = await follow(followRedrive, input, [
      ...[moved(5), schedules(0, 3), moved(0)],
      ...Array.from({ length: 10 }, () => schedules(0, 3)),
      ...[moved(3), schedules(0)],
    ]);
    expect(result).toEqual(moved(8));
    expect(paths.filter((path) => path.startsWith("POST"))).toEqual([redrive, redrive]);
  });

  test("It fails with how many were moved when messages stay that no call moves", async () => {
    const answers = [moved(5), { ...schedules(3), ...moved(0) }];
    await expect(follow(followRedrive, input, answers)).rejects.toThrow(
      "5 messages are moved, and 3 are still, or again, in requestSchedule: `ackwire dlq show requestSchedule` lists them",
    );
  });
});

describe("followRelease", () => {
  test("It calls again until every webhook was verified, and adds up what was released", async () => {
    const { result } = await follow(followRelease, { connectionId: "cn_1" }, [
      { released: 100, kept: 2, isComplete: false },
      { released: 50, kept: 3, isComplete: false },
      { released: 5, kept: 4, isComplete: true },
    ]);
    expect(result).toEqual({ released: 155, kept: 4, isComplete: true });
  });

  test("It does not go on for ever when those that stay take the whole time", async () => {
    const stuck = { released: 0, kept: 9_000, isComplete: false };
    await expect(
      follow(followRelease, { connectionId: "cn_1" }, [{ ...stuck, released: 3 }, stuck]),
    ).rejects.toThrow("3 are released, and more than 9000 fail verification");
  });
});

describe("showProgress", () => {
  test("In a terminal, one line is written over", () => {
    let written = "";
    const stream = {
      ...{ isTTY: true, columns: 12 },
      write: (text: string) => {
        written += text;
        return true;
      },
    };
    const progress = showProgress(stream);
    progress.say("10 of 12 messages are left");
    progress.say("done");
    progress.end();
    expect(written).toBe(`\r10 of 12 me\r${"done".padEnd(11)}\n`);
  });

  test("Elsewhere, a line is written at most every ten seconds", () => {
    const lines: string[] = [];
    let nowMs = 0;
    const stream = {
      ...{ isTTY: false, columns: 0 },
      write: (text: string) => {
        lines.push(text);
        return true;
      },
    };
    const progress = showProgress(stream, () => nowMs);
    for (nowMs = 0; nowMs <= 20_000; nowMs += 1_000) progress.say(`${nowMs}`);
    progress.end();
    expect(lines).toEqual(["0\n", "10000\n", "20000\n"]);
  });
});
