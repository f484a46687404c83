-- Writes JSON as text for the fingerprint: compact, keys sorted at every level, members that are null left out. Inputs: the
-- text of TO_JSON_STRING, whose numbers stay as they are written there; names of members of the outermost object that are left
-- out, a line each. GoogleSQL promises no order of an object's members.
CREATE FUNCTION IF NOT EXISTS {{ json_text }}(text STRING, without STRING) RETURNS STRING DETERMINISTIC LANGUAGE js AS r"""
  if (text === null) return null;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[^\s\[\]{}:,"]+|[\[\]{}]/g);
  const leftOut = new Set(without.split('\n'));
  let next = 0, depth = 0;
  function byCodePoint(a, b) {
    const x = [...a], y = [...b];
    for (let i = 0; i < x.length && i < y.length; i++) {
      if (x[i] !== y[i]) return x[i].codePointAt(0) - y[i].codePointAt(0);
    }
    return x.length - y.length;
  }
  function rewritten() {
    const token = tokens[next++];
    const parts = [];
    if (token === '[') {
      depth++;
      while (tokens[next] !== ']') parts.push(rewritten());
      depth--;
      next++;
      return '[' + parts.join(',') + ']';
    }
    if (token === '{') {
      const members = new Map();
      depth++;
      while (tokens[next] !== '}') {
        const name = JSON.parse(tokens[next++]);
        const member = rewritten();
        if (member !== 'null' && !(depth === 1 && without && leftOut.has(name))) members.set(name, member);
      }
      depth--;
      next++;
      for (const name of [...members.keys()].sort(byCodePoint)) {
        parts.push(JSON.stringify(name) + ':' + members.get(name));
      }
      return '{' + parts.join(',') + '}';
    }
    return token[0] === '"' ? JSON.stringify(JSON.parse(token)) : token;
  }
  return rewritten();
"""
