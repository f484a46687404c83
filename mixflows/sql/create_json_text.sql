-- Writes JSON as text for the fingerprint: compact, keys sorted at every level, members that are null left out. Input: the
-- text of TO_JSON_STRING, whose numbers stay as they are written there. GoogleSQL promises no order of an object's members.
CREATE FUNCTION IF NOT EXISTS {{ json_text }}(text STRING) RETURNS STRING DETERMINISTIC LANGUAGE js AS r"""
  if (text === null) return null;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[^\s\[\]{}:,"]+|[\[\]{}]/g);
  let next = 0;
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
      while (tokens[next] !== ']') parts.push(rewritten());
      next++;
      return '[' + parts.join(',') + ']';
    }
    if (token === '{') {
      const members = new Map();
      while (tokens[next] !== '}') {
        const name = JSON.parse(tokens[next++]);
        const member = rewritten();
        if (member !== 'null') members.set(name, member);
      }
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
