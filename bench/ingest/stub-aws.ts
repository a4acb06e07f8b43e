import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Answers every AWS call at once by its operation, from this process, whose time is not measured. */
export async function startStubAws(answers: Readonly<Record<string, object>>) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const operation = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
      const answer = answers[operation];
      response.writeHead(answer ? 200 : 400, { "content-type": "application/x-amz-json-1.0" });
      const { MessageBody = "" } = JSON.parse(Buffer.concat(chunks).toString());
      // The SDK compares it.
      const MD5OfMessageBody = createHash("md5").update(MessageBody).digest("hex");
      response.end(
        JSON.stringify(
          answer ? { MD5OfMessageBody, ...answer } : { __type: `NoAnswerFor${operation}` },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
