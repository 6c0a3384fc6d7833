/** What of the flights is shown, and how much of it: for the job and for the page. */

/** The airports that have a line. */
export const hubs = ["ATL", "DFW", "LAX", "ORD", "PHX"] as const

/** So many points of a line are kept: an hour each, two weeks. */
export const pointsMax = 14 * 24

/** So many of what came last are kept. */
export const recentMax = 12

/** So many of the busiest routes. */
export const topMax = 12

/** Hours with fewer flights are counted, and not shown among the last. */
export const shownFlights = 20

/** Every state, as `job.state` knows it. */
export const statePaths = [
  ...["airports", "routes", "top/numbers", "top/values", "hours", "closed", "late"],
  ...["days/windows", "days/values", "lines", "severe/rule", "alerts"],
] as const
