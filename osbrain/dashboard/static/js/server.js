// What the page asks the server for, besides the stream, and what it has it do.

export class Refused extends Error {}

async function answer(response) {
  let value = {};
  try {
    value = await response.json();
  } catch {
    value = { error: `the server answered ${response.status} ${response.statusText}` };
  }
  if (!response.ok) throw new Refused(value.error);
  return value;
}

export async function detail(name) {
  return answer(await fetch(`/agent?name=${encodeURIComponent(name)}`));
}

export async function act(action, request) {
  const headers = { 'Content-Type': 'application/json' };
  return answer(await fetch(`/${action}`, { method: 'POST', headers, body: JSON.stringify(request) }));
}
