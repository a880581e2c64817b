-- For wrk: posts the files FOLDER/0.png, 1.png ... in turn; prints what was measured as one line of JSON.
--   wrk -t1 -c64 -d10s -s pictures.lua http://127.0.0.1:8000/predict -- FOLDER COUNT
local requests, at = {}, 0

function init(arguments)
  local headers = { ["Content-Type"] = "image/png" }
  for number = 0, tonumber(arguments[2]) - 1 do
    local file = assert(io.open(arguments[1] .. "/" .. number .. ".png", "rb"))
    requests[#requests + 1] = wrk.format("POST", nil, headers, file:read("*a"))
    file:close()
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '{"rate": %.1f, "p50": %.3f, "p99": %.3f, "requests": %d, "errors": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout))
end
