// Package jobs runs what the platform does by itself, at the times of a schedule: close what has expired, settle, charge rent, remove what is old.
//
// Each run stands under a lease in the database (DESIGN §11), so that of several daemons one does it; the lease is renewed while the job runs, and the
// job's context ends when it is lost. How a job went last is kept in the database too. A job must be harmless when it is done twice: a lease bounds
// who works, it is no proof.
//
// Goroutines: Schedule.Run owns cron's and those of runs that were ordered by hand, and each run owns the one that renews its lease; Run returns when all
// have ended.
package jobs
