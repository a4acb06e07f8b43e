import type { JsonObject } from "../../shared/core/json/json.ts";

/** Default length of a list; the `limit` of the action overrides it. */
const LIST_LENGTH = 3;

/**
 * Returns the result of an action, in the form of the types of `@linkedapi/node`.
 * An action without a result, and an unknown action, return an empty object.
 */
export function dataOf(action: JsonObject): JsonObject | JsonObject[] {
  const type = String(action.actionType);
  const listed = lists.get(type);
  if (!listed) return singles.get(type)?.(action) ?? {};
  const length = typeof action.limit === "number" ? action.limit : LIST_LENGTH;
  const numbers = Array.from({ length: Math.min(LIST_LENGTH, Math.max(0, length)) }, (_, n) => n);
  return numbers.map((n) => listed(n + 1));
}

const singles = new Map<string, (action: JsonObject) => JsonObject>([
  ["st.checkConnectionStatus", () => ({ connectionStatus: "notConnected" })],
  ["st.openPersonPage", (action) => ({ ...person(1), ...given("publicUrl", action.personUrl) })],
  [
    "nv.openPersonPage",
    (action) => ({ ...person(1), ...given("hashedUrl", action.personHashedUrl) }),
  ],
  ["st.openCompanyPage", (action) => ({ ...company(1), ...given("publicUrl", action.companyUrl) })],
  ["nv.openCompanyPage", () => company(1)],
  ["st.createPost", () => ({ postUrl: "https://www.linkedin.com/posts/simulated-1" })],
  ["st.retrieveSSI", () => ({ ssi: 61, industryTop: 12, networkTop: 8 })],
  [
    "st.retrievePerformance",
    () => ({
      followersCount: 1_204,
      postViewsLast7Days: 310,
      profileViewsLast90Days: 87,
      searchAppearancesPreviousWeek: 15,
    }),
  ],
]);

const lists = new Map<string, (n: number) => JsonObject>([
  ["st.searchPeople", shortPerson],
  ["nv.searchPeople", person],
  ["st.retrieveConnections", shortPerson],
  ["st.retrievePendingRequests", shortPerson],
  ["st.searchCompanies", company],
  ["nv.searchCompanies", company],
  [
    "st.retrievePersonExperience",
    (n) => ({ position: `Engineer ${n}`, companyName: `Company ${n}`, duration: 12 * n }),
  ],
  ["st.retrievePersonSkills", (n) => ({ name: `Skill ${n}` })],
  ["st.retrieveCompanyEmployees", shortPerson],
]);

function shortPerson(n: number): JsonObject {
  return {
    name: `Jane Doe ${n}`,
    publicUrl: `https://www.linkedin.com/in/simulated-${n}`,
    headline: "Software Engineer",
    location: "Berlin, Germany",
  };
}

function person(n: number): JsonObject {
  return {
    ...shortPerson(n),
    hashedUrl: `https://www.linkedin.com/in/ACoAAsimulated${n}`,
    countryCode: "de",
    position: "Software Engineer",
    companyName: `Company ${n}`,
    companyHashedUrl: `https://www.linkedin.com/company/${n}`,
    followersCount: 250 * n,
    about: null,
  };
}

function company(n: number): JsonObject {
  return {
    name: `Company ${n}`,
    publicUrl: `https://www.linkedin.com/company/simulated-${n}`,
    hashedUrl: `https://www.linkedin.com/sales/company/${n}`,
    description: "A simulated company",
    location: "Berlin, Germany",
    industry: "Software Development",
    employeesCount: 100 * n,
    ventureFinancing: false,
    jobsCount: n,
  };
}

function given(name: string, value: unknown): JsonObject {
  return typeof value === "string" ? { [name]: value } : {};
}
