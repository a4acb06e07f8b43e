/**
 * One execution environment without Lambda: loads the handler of a file, and calls it one time after
 * the other as often as its parent says. Answers with the CPU milliseconds, user and system.
 */

interface Answer {
  statusCode?: number;
  batchItemFailures?: unknown[];
}

const [, , file = ""] = process.argv;
const { handler } = (await import(file)) as {
  handler: (event: object, context: object) => Promise<Answer>;
};
const context = {
  awsRequestId: "request",
  functionName: "bench",
  functionVersion: "$LATEST",
  invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:bench",
  memoryLimitInMB: "512",
  getRemainingTimeInMillis: () => 10_000,
};

/** @throws Error for an answer that is not success */
function check({ statusCode = 200, batchItemFailures = [] }: Answer): void {
  if (statusCode !== 200) throw new Error(`answered ${statusCode}`);
  if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} messages failed`);
}

process.on("message", async ({ event, count }: { event: object; count: number }) => {
  const before = process.cpuUsage();
  for (let index = 0; index < count; index++) check(await handler(event, context));
  const { user, system } = process.cpuUsage(before);
  process.send?.((user + system) / 1_000);
});
process.send?.("ready");
