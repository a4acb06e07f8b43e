/** The few icons of the console, drawn as lines in a square of 24. */
function icon(path: string) {
  return () => (
    <svg
      viewBox="0 0 24 24"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={path} />
    </svg>
  );
}

export const CopyIcon = icon("M9 9h11v11H9zM5 15H4V4h11v1");
export const CheckIcon = icon("m5 12 5 5L20 7");
export const SearchIcon = icon("M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14Zm5 12 4 4");
export const SunIcon = icon(
  "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
);
export const MoonIcon = icon("M20 14.5A8 8 0 1 1 9.5 4 6.5 6.5 0 0 0 20 14.5Z");
export const ClockIcon = icon("M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18Zm0 4v5l3 2");
export const LeaveIcon = icon("M10 4H5v16h5M15 8l4 4-4 4M19 12H9");
