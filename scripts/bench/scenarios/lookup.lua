-- One lookup of (X, A), then the bridge. A handle of FreeSWITCH's own pool of connections.
local x = (session:getVariable("destination_number") or ""):gsub("%D", "")
local a = (session:getVariable("caller_id_number") or ""):gsub("%D", "")
local db = freeswitch.Dbh("mariadb://Server=127.0.0.1;Port={{.SQL}};Database=bench;Uid=bench;Pwd={{.SQLPassword}};")
local callee
db:query("SELECT callee FROM bound WHERE x='" .. x .. "' AND caller='" .. a .. "'", function(row) callee = row.callee end)
db:release()
if callee then
  session:setVariable("hangup_after_bridge", "true")
  session:execute("bridge", "{origination_caller_id_number=" .. x .. ",origination_caller_id_name=" .. x .. "}sofia/gateway/out/" .. callee)
else
  session:hangup("UNALLOCATED_NUMBER")
end
