/** Makes functions that note each of their calls, as their name and the arguments, and answer. */
export const notingIn =
  (calls: unknown[]) =>
  (name: string, answer?: unknown) =>
  async (...of: unknown[]) => {
    calls.push([name, ...of]);
    return answer;
  };
