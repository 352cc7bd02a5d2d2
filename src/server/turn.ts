/** What has something to do at the end of a turn of the event loop. */
export interface TurnTask {
  /** MUST NOT throw. */
  onTurnEnd(): void;
}

let tasks: TurnTask[] = [];

/**
 * Calls a task when this turn of the event loop has done its work. All tasks of a process share one
 * immediate, so that what a turn sends to a thousand sockets is written in one go.
 */
export function atTurnEnd(task: TurnTask): void {
  if (tasks.length === 0) setImmediate(endTurn);
  tasks.push(task);
}

function endTurn(): void {
  const due = tasks;
  tasks = [];
  for (const task of due) task.onTurnEnd();
}
