#  The front door: each line hands over to CMake or to a script in tools/.
.PHONY: help run test compose-test bench crowd soak chaos check fuzz clean
help:    ## what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## */  make \1	/p' Makefile
run:     ## install what is missing, build, run everything on this machine (Ctrl-C stops it)
	@setpriv --pdeathsig TERM tools/run
test:    ## install what is missing, build, run all tests
	@setpriv --pdeathsig TERM tools/test
compose-test: ## the containers of docker-compose.yml: chat, scale, kill, count (needs Docker)
	@setpriv --pdeathsig TERM tests/compose/run
bench:   ## measure throughput, delay, memory and CPU
	@bench/run
crowd:   ## measure 50,000 visitors, and what happens when everything is cut off
	@bench/crowd
soak:    ## 20 minutes of mixed load: does anything grow? (SOAK_MINUTES=...)
	@bench/soak
chaos:   ## kill, stop, cut and fill everything under full load (CHAOS_SEED=..., CHAOS_SECONDS=...)
	@setpriv --pdeathsig TERM tools/chaos
check:   ## style and layers, in seconds
	@tools/check-layers && tools/check-style && echo "check: nothing to mend"
fuzz:    ## every fuzzer for 60 seconds (FUZZ_SECONDS=...)
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-60} setpriv --pdeathsig TERM tools/test fuzz
clean:   ## remove what was built; keeps var/, where the data of make run is
	@rm -rf build build-*
