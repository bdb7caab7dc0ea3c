module heliograph/tools/pause

go 1.24
