%% Reads the packets of a file of cases (see compare.py) with binary_to_term/1 and writes each as a line that says type and value.
-module(decode).
-export([main/2]).

main(Cases, Decoded) ->
    {ok, Bytes} = file:read_file(Cases),
    ok = file:write_file(Decoded, read(Bytes)),
    halt(0).

read(<<>>) -> [];
read(<<Length:32, _:Length/binary, Size:32, Packet:Size/binary, Rest/binary>>) ->
    [canonical(binary_to_term(Packet, [safe])), $\n | read(Rest)].

canonical(nil) -> "n";
canonical(true) -> "t";
canonical(false) -> "f";
canonical(Value) when is_integer(Value) -> [$i, integer_to_list(Value)];
canonical(Value) when is_float(Value) -> [$d, hexadecimal(<<Value:64/float>>)];
canonical(Value) when is_binary(Value) -> [$s, hexadecimal(Value)];
canonical(Value) when is_list(Value) -> [$[, lists:join($,, [canonical(Each) || Each <- Value]), $]];
canonical(Value) when is_map(Value) ->
    Pairs = lists:sort([{lists:flatten(canonical(Key)), canonical(Each)} || {Key, Each} <- maps:to_list(Value)]),
    [${, lists:join($,, [[Key, $:, Each] || {Key, Each} <- Pairs]), $}].

hexadecimal(Bytes) -> [[digit(High), digit(Low)] || <<High:4, Low:4>> <= Bytes].

digit(Value) when Value < 10 -> $0 + Value;
digit(Value) -> $a + Value - 10.
