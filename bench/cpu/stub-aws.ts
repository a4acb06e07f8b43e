import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What an operation is answered: the same each time, or by what is asked. */
export type StubAnswer = object | ((call: Record<string, unknown>) => object);

/** Answers every AWS call at once by its operation, from this process, whose time is not measured. */
export async function startStubAws(answers: Readonly<Record<string, StubAnswer>>) {
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const operation = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
      calls.set(operation, (calls.get(operation) ?? 0) + 1);
      const call = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      const answer = answers[operation];
      response.writeHead(answer ? 200 : 400, { "content-type": "application/x-amz-json-1.0" });
      response.end(
        JSON.stringify(
          answer
            ? { ...digestOf(call), ...(typeof answer === "function" ? answer(call) : answer) }
            : { __type: `NoAnswerFor${operation}` },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    /** Calls since the last time this was asked, by operation. */
    takeCalls(): Record<string, number> {
      const taken = Object.fromEntries(calls);
      calls.clear();
      return taken;
    },
    close: () => server.close(),
  };
}

export type StubAws = Awaited<ReturnType<typeof startStubAws>>;

/** The SDK compares the digest of a message. */
function digestOf({ MessageBody }: Record<string, unknown>): object {
  if (typeof MessageBody !== "string") return {};
  return { MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex") };
}
