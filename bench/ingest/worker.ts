/**
 * One execution environment without Lambda: loads the handler of a file, and calls it one time after
 * the other as often as its parent says. Answers with the CPU milliseconds, user and system.
 */

const [, , file = ""] = process.argv;
const { handler } = (await import(file)) as {
  handler: (event: object, context: object) => Promise<{ statusCode: number }>;
};

process.on("message", async ({ event, count }: { event: object; count: number }) => {
  const before = process.cpuUsage();
  for (let index = 0; index < count; index++) {
    const { statusCode } = await handler(event, {});
    if (statusCode !== 200) throw new Error(`answered ${statusCode}`);
  }
  const { user, system } = process.cpuUsage(before);
  process.send?.((user + system) / 1_000);
});
process.send?.("ready");
